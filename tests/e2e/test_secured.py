"""The whole pipeline where nobody comes in without a password: broker, registry and Connect by TLS, ACLs enforced."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from glue.errors import ServiceError
from glue.http_access import HttpAccess
from glue.local.report import Reporter
from glue.local.security import make_secure, security_of
from glue.local.stack import Stack
from glue.registry import subject_names
from glue.settings import Settings, get_settings, state_dir
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


def test_the_registry_takes_a_token_of_the_provider(secured: Settings) -> None:
    oidc = json.loads((state_dir() / "state.json").read_text())["parts"]["oidc"]["ports"]["https"]
    given = secured.model_copy(update={"registry_token_url": f"https://127.0.0.1:{oidc}/token"})
    assert "sink.weaviate.vectors-value" in subject_names(Services(given).registry)
