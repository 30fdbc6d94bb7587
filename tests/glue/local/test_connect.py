"""What the workers of the local stack are told: where the services are, those of the stack and the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from glue.local.connect import Connect
from glue.local.report import Reporter
from glue.local.stack import Stack
from glue.local.warehouse import Warehouse
from glue.settings import get_settings


def test_a_service_that_the_stack_lacks_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("MXCTL_WEAVIATE", "https://vectors.example:443")
    monkeypatch.setattr("glue.local.jars.fetch", lambda *_: [tmp_path / "one.jar"])
    get_settings.cache_clear()
    stack = Stack(tmp_path, Reporter(quiet=True), [Connect(), Warehouse()])
    site = stack.site()
    stack._choose_ports(site, stack.parts)
    stack._save_settings(site)
    env = Connect().launch(site).env
    assert env["WEAVIATE_URL"] == "https://vectors.example:443"
    assert env["SNOWFLAKE_URL"] == f"http://127.0.0.1:{site.port('warehouse', 'http')}"
