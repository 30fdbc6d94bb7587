"""A playground for each test of the service."""

from __future__ import annotations

import pytest
from playground import Playground

from glue.settings import Settings


@pytest.fixture
def play(stack: Settings) -> Playground:
    return Playground(stack)
