"""Fixtures shared by all tests. ``stack`` gives the real parts; mark a test that asks for it ``@pytest.mark.stack``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from glue.settings import Settings, get_settings

# Tests do not assert times, and what CI tries is the same in every run: new examples are for the keyboard.
hypothesis_settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis_settings.load_profile("project")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a local stack that is up.

    It has a state folder of its own and goes away with the tests. With ``MXCTL_TEST_STATE_DIR`` the stack of that
    folder is used, started if it does not run, and left running: for quick rounds at the keyboard, with only the parts
    that ``MXCTL_TEST_PARTS`` names (``kafka,registry,redis``).
    """
    from glue.local.report import Reporter
    from glue.local.stack import PARTS, Stack

    kept = os.environ.get("MXCTL_TEST_STATE_DIR")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        get_settings.cache_clear()
        named = os.environ.get("MXCTL_TEST_PARTS", "")
        local = Stack(folder, Reporter(quiet=True), [p for p in PARTS if not named or p.name in named.split(",")])
        try:
            local.up(services=False)
            get_settings.cache_clear()  # what was read before `up` had no addresses
            yield get_settings()
        finally:
            if not kept:
                local.down()
            get_settings.cache_clear()
