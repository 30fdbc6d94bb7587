"""The whole pipeline where nobody comes in without a password: broker, registry, Connect, Weaviate, Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
import requests

from glue.errors import ServiceError
from glue.http_access import HttpAccess
from glue.local.report import Reporter
from glue.local.security import make_secure, security_of
from glue.local.stack import Stack
from glue.redis_client import open_redis
from glue.registry import subject_names
from glue.settings import Settings, get_settings, state_dir
from glue.stores.weaviate.rest import Rest
from glue.topology.services import Services

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("secured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        get_settings.cache_clear()
        make_secure(folder)
        local = Stack(folder, Reporter(quiet=True))
        try:
            local.up()
            get_settings.cache_clear()
            yield get_settings()
        finally:
            local.down()
            get_settings.cache_clear()


def mxctl(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "glue", *arguments], capture_output=True, text=True, timeout=400, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_records_arrive_and_every_program_logs_in(secured: Settings, tmp_path) -> None:
    code, out, errors = mxctl("canary", "--timeout", "200s", "-o", "json")
    assert code == 0, errors
    assert all(path["arrived"] for path in json.loads(out)["paths"])

    file = tmp_path / "posts.jsonl"
    file.write_text('{"content": "a good pair of shoes", "likes": 3}\n{"content": "meh"}\n')
    code, out, errors = mxctl("ingest", str(file), "--source", "facebook", "--wait", "-o", "json")
    result = json.loads(out)
    assert (code, result["dead_letters"], result["arrived"]["stored"]["socialpost"]) == (1, 1, 1), errors

    code, out, errors = mxctl("dlq", "list", "-o", "json")
    assert code == 0 and len(json.loads(out)) == 1, errors
    code, out, errors = mxctl("audit", "-o", "json")
    assert code == 0, out + errors

    state = json.loads((state_dir() / "state.json").read_text())
    page = requests.get(f"http://127.0.0.1:{state['parts']['ui']['ports']['http']}/api/graph", timeout=60)
    assert page.ok and "sink.weaviate.vectors" in page.text

    logs = "".join(file.read_text(errors="replace") for file in (state_dir() / "logs").glob("*.log"))
    security = security_of(state_dir())
    assert security is not None and security.passwords.values()
    assert not [user for user, password in security.passwords.items() if password in logs]


@pytest.mark.parametrize("service", ["registry", "connect"])
def test_nobody_comes_in_without_a_password(secured: Settings, service: str) -> None:
    security = security_of(state_dir())
    assert security is not None
    path = "/subjects" if service == "registry" else "/connectors"
    with HttpAccess(service, ca_file=security.authority).session() as nobody:
        assert nobody.get(getattr(secured, service) + path, timeout=60).status_code == 401
    wrong = secured.model_copy(update={f"{service}_password_file": security.authority})
    services = Services(wrong)
    with pytest.raises(ServiceError, match="401"):
        subject_names(services.registry) if service == "registry" else services.connect.connectors()


def test_stores_let_nobody_in_without_a_password(secured: Settings, tmp_path: Path) -> None:
    security = security_of(state_dir())
    assert security is not None and secured.weaviate.startswith("https://")
    with HttpAccess("weaviate", ca_file=security.authority).session() as nobody:
        assert nobody.get(f"{secured.weaviate}/v1/schema", timeout=60).status_code == 401
    wrong = secured.model_copy(update=dict.fromkeys(("weaviate_api_key_file", "redis_password_file"), tmp_path / "no"))
    (tmp_path / "no").write_text("another\n")
    weaviate = Rest(wrong)
    with pytest.raises(ServiceError, match="401"):
        weaviate.get("schema")
    weaviate.close()
    with pytest.raises(redis.AuthenticationError), open_redis(wrong, 10) as cache:
        cache.ping()
    with open_redis(secured, 10) as cache:
        assert cache.ping()
        with pytest.raises(redis.ResponseError, match="no permissions"):
            cache.flushall()


def test_no_secret_is_an_argument_of_a_program(secured: Settings) -> None:
    security = security_of(state_dir())
    assert security is not None
    parts = json.loads((state_dir() / "state.json").read_text())["parts"]
    seen = " ".join(" ".join(psutil.Process(part["pid"]).cmdline()) for part in parts.values() if part["pid"])
    assert "weaviate-server" in seen and "redis-server" in seen
    assert not [secret for secret in (*security.passwords.values(), security.store_password) if secret in seen]


def test_the_registry_takes_a_token_of_the_provider(secured: Settings) -> None:
    oidc = json.loads((state_dir() / "state.json").read_text())["parts"]["oidc"]["ports"]["https"]
    given = secured.model_copy(update={"registry_token_url": f"https://127.0.0.1:{oidc}/token"})
    assert "sink.weaviate.vectors-value" in subject_names(Services(given).registry)
