"""What the Connect image holds, laid out by the script of its build and started as its container would be."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from glue.local.ports import choose
from glue.settings import Settings
from tests.deploy.compose_file import ROOT, compose, environment
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.stack
IMAGES = ROOT / "deploy" / "images"


@dataclass(frozen=True)
class Worker:
    """A worker of the image: its REST with its login, its metrics, and the folder whose files connectors may name."""

    url: str
    login: tuple[str, str]
    metrics: str
    secrets: Path

    def validate(self, plugin: str, config: dict[str, str]) -> dict[str, Any]:
        """Connect's word on a config: keys by name."""
        answer = requests.put(f"{self.url}/connector-plugins/{plugin}/config/validate", json=config, timeout=90,
                              auth=self.login)  # fmt: skip
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root that ``lay_out_connect.py`` fills, with what the recipe copies beside it."""
    root = tmp_path_factory.mktemp("connect")
    command = [sys.executable, IMAGES / "lay_out_connect.py", "--out", root, "--weaviate", IMAGES / "weaviate-plugin"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["millionx-python", "snowflake"]
    (root / "opt/jmx/connect.yml").write_bytes((ROOT / "deploy/jmx/connect.yml").read_bytes())
    (root / "opt/kafka/config").mkdir()
    (root / "opt/kafka/config/log4j2.properties").write_bytes((IMAGES / "log4j2.properties").read_bytes())
    jaas = (IMAGES / "connect/rest-jaas.conf").read_text(encoding="utf-8")
    (root / "opt/kafka/config/rest-jaas.conf").write_text(jaas.replace("/run/secrets", f"{root}/run/secrets"))
    # The interpreter of an image that took over /opt/millionx, with this environment's packages in its place.
    wrapper = (IMAGES / "python").read_text(encoding="utf-8")
    wrapper = wrapper.replace("/opt/millionx/venv/lib/python3.11/site-packages", sysconfig.get_path("purelib"))
    (root / "opt/millionx/bin").mkdir()
    (root / "opt/millionx/bin/python").write_text(
        wrapper.replace("exec python3.11", f"exec {Path(sys.executable).resolve()}"), encoding="utf-8"
    )
    (root / "opt/millionx/bin/python").chmod(0o755)
    return root


@pytest.fixture(scope="module")
def worker(stack: Settings, root: Path, made: Path) -> Iterator[Worker]:
    rest, metrics = choose(2)
    secrets = root / "run" / "secrets"
    shutil.copytree(made, secrets)
    user, _, password = (secrets / "connect_users.properties").read_text(encoding="utf-8").strip().partition("=")
    recipe = (IMAGES / "Dockerfile").read_text(encoding="utf-8").partition("FROM base AS connect")[2]
    recipe = recipe.partition("\nFROM ")[0]
    entry = json.loads(re.search(r"^ENTRYPOINT (\[.*?\])$", recipe.replace("\\\n", ""), re.M)[1])  # type: ignore[index]
    command = [re.sub(r"(^|[:=])/opt/", rf"\1{root}/opt/", word) for word in entry]
    command = [word.replace("0.0.0.0:9404", f"127.0.0.1:{metrics}") for word in command]
    env = dict(re.findall(r"^\s*(?:ENV )?([A-Z_]+)=([^\s\\]+)", recipe, re.M)) | environment(
        compose()["services"]["connect"]
    )
    env |= {"CONNECT_BOOTSTRAP_SERVERS": stack.kafka, "SCHEMA_REGISTRY_URL": stack.registry}
    env |= {"CONNECT_GROUP_ID": "image-test", "CONNECT_ADVERTISED_HOST": "127.0.0.1", "JDK_JAVA_OPTIONS": "-Xmx512m"}
    env |= {"MILLIONX_PYTHON": f"{root}/opt/millionx/bin/python", "PYTHONPATH": str(ROOT)}
    # Another address, and topics of its own: the stack has a worker too.
    text = (IMAGES / "connect/worker.properties").read_text(encoding="utf-8")
    for old, new in {
        "http://0.0.0.0:8083": f"http://127.0.0.1:{rest}",
        "rest.advertised.port=8083": f"rest.advertised.port={rest}",
        "=/opt/": f"={root}/opt/",
        "=/run/secrets": f"={secrets}",
        ".topic=connect-": ".topic=image-test-",
    }.items():
        assert old in text
        text = text.replace(old, new)
    config = root / "worker.properties"
    config.write_text(text, encoding="utf-8")
    log = root / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, config], env=env, cwd=root, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{rest}"

        def answers() -> bool:
            assert process.poll() is None, log.read_text()[-4000:]
            return _answers(f"{url}/connectors", (user, password))

        wait_for(answers, what="the worker answers")
        yield Worker(url, (user, password), f"http://127.0.0.1:{metrics}/metrics", secrets)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str, login: tuple[str, str]) -> bool:
    try:
        return requests.get(url, timeout=5, auth=login).ok
    except requests.RequestException:
        return False


def test_it_has_the_plugins_that_the_topology_names(worker: Worker) -> None:
    found = requests.get(f"{worker.url}/connector-plugins?connectorsOnly=false", timeout=30, auth=worker.login).json()
    classes = {plugin["class"] for plugin in found}
    for file in (ROOT / "connect-config" / "connectors").glob("*.json"):
        config = json.loads(file.read_text(encoding="utf-8"))["config"]
        named = {config["connector.class"], config["value.converter"], config["key.converter"]}
        named |= {config[f"transforms.{name}.type"] for name in config.get("transforms", "").split(",") if name}
        assert named <= classes


def test_it_asks_for_the_login_that_the_script_made(worker: Worker) -> None:
    user, password = worker.login
    for login in (None, (user, password + "x"), ("x" + user, password)):
        for path in ("connectors", "connector-plugins", "admin/loggers", "health", ""):
            assert requests.get(f"{worker.url}/{path}", timeout=30, auth=login).status_code == 401
    # Another worker's requests come without a password, signed by the key that the group keeps on its topic.
    assert requests.post(f"{worker.url}/connectors/any/tasks", json=[], timeout=30).status_code in (400, 403)


def test_its_health_check_logs_in(worker: Worker, tmp_path: Path) -> None:
    script = tmp_path / "healthy"
    script.write_text((IMAGES / "healthy").read_text().replace("/opt/millionx/venv/bin/python", sys.executable))
    test = compose()["services"]["connect"]["healthcheck"]["test"]
    url, file = worker.url + test[2].partition(":8083")[2], worker.secrets / Path(test[3]).name
    assert [subprocess.run(["sh", script, url, *more]).returncode for more in ((file,), ())] == [0, 1]


def test_it_shows_its_metrics(worker: Worker) -> None:
    text = requests.get(worker.metrics, timeout=30).text
    assert re.search(r"^kafka_connect_\w+ ", text, re.M)


def test_python_runs_in_it_and_only_its_secrets_can_be_named(worker: Worker, tmp_path: Path) -> None:
    for folder in (worker.secrets, tmp_path):
        (folder / "some.properties").write_text("size=77\n", encoding="utf-8")
    config = json.loads((ROOT / "connect-config/connectors/weaviate-sink.json").read_text(encoding="utf-8"))["config"]
    config |= {"name": "image-test", "batch.size": f"${{file:{worker.secrets}/some.properties:size}}"}

    def value(body: dict[str, Any], key: str) -> str:
        return str(next(one["value"]["value"] for one in body["configs"] if one["value"]["name"] == key))

    body = worker.validate("PythonSinkConnector", config)
    assert body["error_count"] == 0, [one["value"] for one in body["configs"] if one["value"]["errors"]]
    # An option of the Python class with its default: the class was asked. The number came through, and is not shown.
    defaults = {one["definition"]["name"]: one["definition"]["default_value"] for one in body["configs"]}
    assert defaults["max.connection.retries"] == "3"
    assert value(body, "batch.size") == "[resolved]"
    config["batch.size"] = f"${{file:{tmp_path}/some.properties:size}}"
    body = worker.validate("PythonSinkConnector", config)
    assert [one["value"]["name"] for one in body["configs"] if one["value"]["errors"]] == ["batch.size"], "no number"
    assert "77" not in json.dumps(body)
