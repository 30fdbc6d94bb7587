"""A playground for each test of the service."""

from __future__ import annotations

import pytest

from glue.settings import Settings
from tests.playground import Playground


@pytest.fixture
def play(stack: Settings) -> Playground:
    return Playground(stack)
