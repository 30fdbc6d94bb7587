"""docker-compose.yml as Compose reads it: variables replaced, anchors merged."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
FILES = ("docker-compose.yml", "deploy/images/Dockerfile")  # which name the images of others
SIZES = ("small", "medium", "large")
OURS = re.compile(r"^millionx/(glue|sources)(:|$)")
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-?])([^}]*))?\})")


def variables(text: str) -> set[str]:
    """Names of the variables that a Compose file takes from the environment."""
    return {found[1] for found in _VARIABLE.finditer(text) if found[1]}


def interpolate(text: str, env: dict[str, str]) -> str:
    """``text`` with ``${NAME}``, ``${NAME:-default}``, ``${NAME-default}``, ``${NAME:?message}``, ``$$`` replaced."""

    def one(found: re.Match[str]) -> str:
        name, sign, rest = found.groups()
        if name is None:
            return "$"
        value = env.get(name)
        missing = value is None or (value == "" and (sign or "").startswith(":"))
        if not missing:
            return str(value)
        if sign and sign.endswith("?"):
            raise KeyError(f"{name}: {rest}")
        return rest or ""

    return _VARIABLE.sub(one, text)


def env_file(name: str) -> dict[str, str]:
    """The variables of ``deploy/compose/NAME``."""
    lines = (ROOT / "deploy" / "compose" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def undigested(text: str) -> str:
    """``text`` with images by their tag alone."""
    return re.sub(r"@sha256:[0-9a-f]{64}", "", text)


@cache
def compose(size: str = "") -> dict[str, Any]:
    """The file with the example's variables, and those of a size."""
    env = env_file("env.example") | (env_file(f"{size}.env") if size else {})
    return with_env(env)


def with_env(env: dict[str, str]) -> dict[str, Any]:
    """The file with these variables. They are replaced in what YAML gives, so that no value becomes structure."""
    loaded: dict[str, Any] = _replaced(yaml.safe_load(FILE.read_text(encoding="utf-8")), env)
    return loaded


def _replaced(value: Any, env: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(one, env) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, env) for one in value]
    return interpolate(value, env) if isinstance(value, str) else value


def environment(service: dict[str, Any]) -> dict[str, str]:
    """A service's environment."""
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """The files that a service has in ``/run/secrets``, and of which secret each one is."""
    given = [{"source": one, "target": one} if isinstance(one, str) else one for one in service.get("secrets", [])]
    return {one["target"]: one["source"] for one in given}


@cache
def listens() -> dict[str, set[int]]:
    """Ports that each service listens on: from what configures it, else what its image is known for."""
    found: dict[str, set[int]] = {
        "redis": {6379},
        "redis-exporter": {9121},
        "prometheus": {9090},
        "grafana": {3000},
        "kafka-ui": {8080},
        "control-center": {9021},
    }
    for name, service in compose()["services"].items():
        env = environment(service)
        if name == "kafka":
            ports = re.findall(r"//[\d.]+:(\d+)", env["KAFKA_LISTENERS"]) + re.findall(
                r"=0\.0\.0\.0:(\d+)", env["KAFKA_OPTS"]
            )
        elif name == "registry":
            ports = [env["QUARKUS_HTTP_PORT"], env["QUARKUS_MANAGEMENT_PORT"]]
        elif name == "weaviate":
            ports = [after(service["command"], "--port"), env["GRPC_PORT"], env["PROMETHEUS_MONITORING_PORT"]]
        elif name == "connect":
            text = (ROOT / "deploy/images/connect/worker.properties").read_text(encoding="utf-8")
            agent = (ROOT / "deploy/images/Dockerfile").read_text(encoding="utf-8")
            ports = re.findall(r"^listeners=http://0\.0\.0\.0:(\d+)$", text, re.M)
            ports += re.findall(r"=0\.0\.0\.0:(\d+):/opt/jmx/connect\.yml", agent)
        elif OURS.match(service["image"]):
            command = service.get("command", [])
            ports = [after(command, flag) for flag in ("--port", "--metrics-port") if flag in command]
        else:
            continue
        found[name] = set(map(int, ports))
    return found


def after(command: list[str], flag: str) -> str:
    """The word behind ``flag``."""
    return command[command.index(flag) + 1]
