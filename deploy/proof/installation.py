"""The installation under proof: a copy of this checkout, its secrets and settings, and Compose on it.

``docker-compose.yml`` is used as it is. A second file beside it adds only what is the world outside: the vendors'
sandbox and the local Snowflake endpoint, and a disk of its own for Kafka's volume, so that it can be filled.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.proof.engine import ROOT, WORK, Engine, call
from glue.local.ports import choose
from tests.deploy.compose_file import FILES, undigested

HOST = "account.snowflake.test"  # the connector reads an account out of the name
SECRETS = {
    "openweather.properties": "api_key=sandbox-token\n",
    "shopify.properties": "token=sandbox-token\nwebhook_secret=sandbox-webhook-secret\n",
    "facebook.properties": "token=sandbox-token\n",
    "daraz.properties": "app_key=sandbox-app\napp_secret=sandbox-app-secret\naccess_token=sandbox-access\n"
    "refresh_token=sandbox-refresh\nseller_id=sandbox-seller\n",
}
OVERRIDE = """\
x-outside: &outside
  image: {python}
  user: "10001:10001"
  networks: {{inside: {{aliases: [{host}]}}, outside: {{}}}}
  environment: {{PYTHONPATH: "/site:/src", HOME: /tmp, PYTHONDONTWRITEBYTECODE: "1"}}
  working_dir: /src
  volumes: ["{site}:/site:ro", "{root}:/src:ro", "{work}/warehouse:{work}/warehouse"]
services:
  warehouse:
    <<: *outside
    command: [python, -m, sandbox.snowflake, --port, "8084", --bind, 0.0.0.0, --name, {host},
              --data-dir, "{work}/warehouse", --public-key, "{work}/warehouse/key.pub"]
  vendors:
    <<: *outside
    networks: [inside, outside, pages]
    command: [python, -m, sandbox, --port, "9000", --bind, 0.0.0.0, --seed, "${{VENDORS_SEED:-1}}"]
  connect: {{volumes: ["{work}/warehouse:{work}/warehouse"]}}
volumes:
  kafka: {{driver_opts: {{type: none, o: bind, device: "{work}/disk/data"}}}}
"""


def copy(target: Path, revision: str = "") -> Path:
    """The checkout's files, or those of a revision, without what git ignores and digests, which no stand-in has."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if revision:
        call("git", "archive", "--output", WORK / "revision.tar", revision, cwd=ROOT)
        call("tar", "-xf", WORK / "revision.tar", "-C", target)
    else:
        for name in call("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=ROOT).rstrip("\0").split("\0"):
            if (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target / name)
    for name in FILES:
        text = (target / name).read_text(encoding="utf-8")
        (target / name).write_text(undigested(text), encoding="utf-8")
    return target


class Installation:
    """Compose in the copy at ``folder``."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.profiles: tuple[str, ...] = ()
        self.settings: dict[str, str] = {}  # variables of .env that a stage changes
        self.override = WORK / "override.yml"

    def prepare(self, python: str) -> None:
        """What the docs tell the operator to do, with the sandbox's keys; and the disk for Kafka's volume."""
        call(self.folder / "deploy" / "compose" / "make-secrets")
        secrets = self.folder / "deploy" / "secrets"
        for name, text in SECRETS.items():
            (secrets / name).write_text(text)
        compose = self.folder / "deploy" / "compose"
        names = ("WEBHOOK", "PROMETHEUS", "GRAFANA", "KAFKA_UI")
        ports = "".join(f"{name}_PORT={port}\n" for name, port in zip(names, choose(len(names)), strict=True))
        settings = (compose / "env.example").read_text() + (compose / "small.env").read_text() + ports
        settings += f"SNOWFLAKE_URL=http://{HOST}:8084\n"
        (self.folder / ".env").write_text(settings)
        warehouse = WORK / "warehouse"
        shutil.rmtree(warehouse, ignore_errors=True)
        warehouse.mkdir()
        call("openssl", "pkey", "-in", secrets / "snowflake_key.pem", "-pubout", "-out", warehouse / "key.pub")
        call("chown", "-R", "10001:10001", warehouse)
        (site,) = (ROOT / ".venv" / "lib").glob("python3.11/site-packages")
        self.override.write_text(OVERRIDE.format(python=python, host=HOST, site=site, root=ROOT, work=WORK))
        self._point_at_sandbox()
        self._disk()

    def pull(self) -> None:
        """The checkout's files in the place of an older revision's; the operator's own stay, and get what is new."""
        new = copy(WORK / "new")
        for name in (".env", "deploy/secrets"):
            (self.folder / name).rename(new / name)
        shutil.rmtree(self.folder)
        new.rename(self.folder)
        call(self.folder / "deploy" / "compose" / "make-secrets")
        self._point_at_sandbox()

    def _point_at_sandbox(self) -> None:
        """The vendors' addresses in the profile; keys still come from the files in ``deploy/secrets``."""
        profiles = self.folder / "connect-config" / "profiles"
        local = (profiles / "local.json").read_text().replace("${setting:sandbox}", "http://vendors:9000")
        own = json.loads((profiles / "compose.json").read_text())
        for seller in own["sources"]["catalogue"]["options"]["sellers"]:  # a list, which replaces the other
            seller["base_url"] = "http://vendors:9000/daraz/rest"
        own["sources"] = _merged(json.loads(local)["sources"], own["sources"])
        (profiles / "compose.json").write_text(json.dumps(own, indent=1))

    def _disk(self) -> None:
        disk, image = WORK / "disk", WORK / "disk.img"
        disk.mkdir(exist_ok=True)
        with image.open("wb") as file:
            file.truncate(2 << 30)
        call("mkfs.ext4", "-q", "-m", "0", image)
        self.inside("mount", "-o", "loop", image, disk)
        self.inside("mkdir", disk / "data")
        self.inside("chown", "1000:1000", disk / "data")

    def inside(self, *command: str | Path, check: bool = True) -> str:
        """Run a program among the engine's mounts."""
        return call("nsenter", "--target", str(self.engine.daemon.pid), "--mount", "--", *command, check=check)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """``docker compose …``; what it printed."""
        files = ["--file", "docker-compose.yml", "--file", str(self.override)]
        profiles = [word for one in self.profiles for word in ("--profile", one)]
        variables = "".join(f"{key}={value}\n" for key, value in self.settings.items())
        (self.folder / "changed.env").write_text(variables)
        files += ["--env-file", ".env", "--env-file", "changed.env"]
        return self.engine.docker("compose", *files, *profiles, *arguments, cwd=self.folder, check=check)

    def mxctl(self, *arguments: str, check: bool = True) -> str:
        """``docker compose run --rm mxctl …``: without a terminal, what it printed."""
        return self.compose("run", "--rm", "--no-TTY", "--quiet-pull", "mxctl", *arguments, check=check)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Service -> what the engine says of its container."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *ids)) if ids else []
        labels = {one["Id"]: one["Config"]["Labels"] for one in found}
        lasting = [one for one in found if labels[one["Id"]]["com.docker.compose.oneoff"] == "False"]
        return {labels[one["Id"]]["com.docker.compose.service"]: one for one in lasting}

    def not_well(self) -> dict[str, str]:
        """Service -> state, for those that neither ended as they should nor are healthy."""
        states = {}
        for name, one in self.containers().items():
            state = one["State"]
            well = state.get("Health", {}).get("Status", "healthy") == "healthy" and state["Running"]
            over = name in ("volumes", "acls", "apply") and state["Status"] == "exited" and state["ExitCode"] == 0
            if not (well or over):
                states[name] = f"{state['Status']} {state.get('Health', {}).get('Status', '')} {state['ExitCode']}"
        return states

    def well(self, within_s: float = 900) -> float:
        """Wait until all are; the seconds that it took."""
        return until(lambda: not self.not_well(), within_s, lambda: f"not healthy: {self.not_well()}")

    def remove(self) -> None:
        """Containers, volumes, networks and the disk; what the engine itself leaves, it removes. Logs are kept."""
        (WORK / "containers.log").write_text(self.compose("logs", "--no-color", "--timestamps", check=False))
        self.compose("down", "--volumes", "--timeout", "10", check=False)
        self.inside("umount", WORK / "disk", check=False)

    def usage(self) -> dict[str, tuple[float, int, int]]:
        """Service -> CPU seconds since its start, bytes of memory without files' pages, limit in bytes."""
        found = {}
        for name, one in self.containers().items():
            if not one["State"]["Running"]:
                continue
            said = self._api(f"/containers/{one['Id']}/stats?stream=false&one-shot=true")
            memory = said["memory_stats"]
            pages = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
            cpu = said["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
            found[name] = (cpu, memory["usage"] - pages, one["HostConfig"]["Memory"])
        return found

    def _api(self, path: str) -> Any:
        connection = http.client.HTTPConnection("engine")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.fspath(self.engine.socket))
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


def until(condition: Callable[[], bool], within_s: float, why: Callable[[], str]) -> float:
    """Wait for ``condition``; the seconds that it took. The proof fails with ``why`` when it does not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise SystemExit(f"Error: after {within_s:.0f} s {why()}")
        time.sleep(1)
    return time.monotonic() - began


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(one[key], other[key]) for key in one.keys() & other.keys()
            if isinstance(one[key], dict) and isinstance(other[key], dict)}  # fmt: skip
    return {**one, **other, **both}
