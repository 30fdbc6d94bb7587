"""An endpoint for the tests of this folder, with the project's own script applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.snowflake.endpoint import Endpoint
from tests.sandbox.snowflake.sdk import Sdk
from tests.stores import make_ready


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A running endpoint with tables, roles and views."""
    with Endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        settings = running.settings()
        make_ready(settings)
        yield running


@pytest.fixture
def sdk(endpoint: Endpoint) -> Sdk:
    """A streaming client of it."""
    return Sdk(endpoint)
