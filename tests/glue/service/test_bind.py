"""Our services listen on loopback, and elsewhere only when MXCTL_BIND says so."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from glue.cli.main import cli
from glue.errors import UsageError
from glue.service.health import serve
from glue.settings import get_settings

OTHER = "127.0.0.2"  # loopback too, and not the default


@pytest.fixture(params=[None, OTHER], ids=["default", "set"])
def bind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("MXCTL_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("MXCTL_BIND", raising=False)
    if request.param:
        monkeypatch.setenv("MXCTL_BIND", request.param)
    get_settings.cache_clear()
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield request.param or "127.0.0.1"
    for name, handler in handlers.items():  # the commands set their own
        signal.signal(name, handler)
    get_settings.cache_clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


def test_health_of_a_chain(bind: str) -> None:
    server = serve(0, lambda: (True, True, {"alive": True}), CollectorRegistry())
    try:
        host, port = server.server_address[:2]
        assert host == bind
        with urllib.request.urlopen(f"http://{bind}:{port}/health") as answer:
            assert json.load(answer) == {"alive": True}
    finally:
        server.shutdown()
        server.server_close()


def test_a_port_that_is_taken_is_the_users_mistake_not_a_traceback(bind: str) -> None:
    with socket.socket() as taken:
        taken.bind((bind, 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be listened on"):
            serve(taken.getsockname()[1], lambda: (True, True, {}), CollectorRegistry())


def test_metrics_of_a_source(bind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors import runner

    port, seen = free_port(), []

    def run_once(source: str, *_: Any, **__: Any) -> runner.RunResult:
        with urllib.request.urlopen(f"http://{bind}:{port}/metrics") as answer:
            seen.append(answer.status)
        for address in {"127.0.0.1", OTHER} - {bind}:
            with socket.socket() as elsewhere:
                seen.append(elsewhere.connect_ex((address, port)) != 0)
        return runner.RunResult(source)

    monkeypatch.setattr(runner, "run_once", run_once)
    monkeypatch.setenv("MILLIONX_OPENWEATHER_KEY", "k")
    monkeypatch.setenv("MXCTL_PROFILE", "prod")
    done = CliRunner().invoke(cli, ["run", "weather", "--metrics-port", str(port)], catch_exceptions=False)
    assert (done.exit_code, seen) == (0, [200, True]), done.output


def test_metrics_of_the_canary(bind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue.canary import run

    port, seen = free_port(), []

    def run_once(*_: Any) -> list[Any]:
        with urllib.request.urlopen(f"http://{bind}:{port}/metrics") as answer:
            seen.append(answer.status)
        return []

    monkeypatch.setattr(run, "run_once", run_once)
    done = CliRunner().invoke(cli, ["canary", "--metrics-port", str(port), "-o", "json"], catch_exceptions=False)
    assert (done.exit_code, seen) == (0, [200]), done.output


@pytest.mark.parametrize("flag", [None, "127.0.0.3"])
def test_webhooks(bind: str, flag: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors import webhook

    hosts = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: hosts.append(server.config.host))
    desk = SimpleNamespace(fenced=threading.Event())
    monkeypatch.setattr(webhook, "receiver", lambda *_: contextlib.nullcontext(desk))
    for name in ("URL", "TOKEN", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"MILLIONX_SHOPIFY_{name}", "https://shop.example")
    monkeypatch.setenv("MXCTL_PROFILE", "prod")
    arguments = ["webhook", "serve", *(["--host", flag] if flag else [])]
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert (done.exit_code, hosts) == (0, [flag or bind]), done.output
