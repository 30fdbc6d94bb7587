"""Fixtures: a declared project in a folder, and a Connect cluster of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from glue.settings import Settings
from glue.topology.services import Services

from .project import Project
from .workers import Workers


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with nothing declared; its addresses lead nowhere."""
    nowhere = "127.0.0.1:9"
    return Project(tmp_path / "project", "p", connect=f"http://{nowhere}", registry=f"http://{nowhere}", kafka=nowhere)


@pytest.fixture(scope="session")
def workers(stack: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """A Connect cluster of one worker with the probe plugin, on the stack's Kafka."""
    cluster = Workers(tmp_path_factory.mktemp("workers"), stack.kafka)
    try:
        cluster.add()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def live(stack: Settings, workers: Workers, tmp_path: Path) -> Iterator[Project]:
    """A project whose addresses are those of the stack and of the tests' own Connect cluster; cleaned up after."""
    prefix = f"t{uuid4().hex[:8]}"
    made = Project(
        tmp_path / "project",
        prefix,
        kafka=stack.kafka,
        registry=stack.registry,
        connect=workers.members[0].url,
        warehouse_private_key_file=None,
    )
    made.things()
    yield made
    services = Services(made.settings)
    for name in services.connect.connectors():
        if name.startswith(prefix):
            services.connect.delete(name)
    topics = [name for name in services.admin.list_topics(timeout=15).topics if name.startswith(prefix)]
    for future in (services.admin.delete_topics(topics) if topics else {}).values():
        future.result(30)
