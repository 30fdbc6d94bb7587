"""A playground for tests of dead letters on the real broker."""

from __future__ import annotations

import pytest

from glue.settings import Settings
from tests.playground import Playground


@pytest.fixture
def play(stack: Settings) -> Playground:
    return Playground(stack)
