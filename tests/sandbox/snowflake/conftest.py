"""An endpoint for the tests of this folder, with the project's own script applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glue.stores.snowflake import client as warehouse
from glue.stores.snowflake import ddl as warehouse_ddl
from tests.sandbox.snowflake.endpoint import Endpoint
from tests.sandbox.snowflake.sdk import Sdk


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A running endpoint with tables, roles and views."""
    with Endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        settings = running.settings()
        warehouse.apply_ddl(warehouse_ddl.scripts(settings), settings)
        yield running


@pytest.fixture
def sdk(endpoint: Endpoint) -> Sdk:
    """A streaming client of it."""
    return Sdk(endpoint)
