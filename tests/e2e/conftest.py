"""The pipeline as a user has it after ``mxctl local up``: all parts, the declared topology, the chain services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glue.settings import Settings, get_settings


@pytest.fixture(scope="package")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a whole pipeline with a state folder of its own, gone after the tests of this folder.

    ``MXCTL_TEST_STATE_DIR`` names a folder whose pipeline is used, and left running, instead.
    """
    from glue.local.report import Reporter
    from glue.local.stack import Stack

    kept = os.environ.get("MXCTL_TEST_STATE_DIR")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        get_settings.cache_clear()
        local = Stack(folder, Reporter(quiet=True))
        try:
            local.up()
            get_settings.cache_clear()
            yield get_settings()
        finally:
            if not kept:
                local.down()
            get_settings.cache_clear()
