"""ACLs on a real broker with Kafka's own authorizer: applied, compared, shown, exported, pruned, rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glue.errors import ServiceError
from glue.kafka.acls import Acl, create_acl, delete_acl, read_acls
from glue.settings import Settings
from glue.topology.apply import Options, Outcome, apply_all
from glue.topology.history import REVERSIBLE, declared_by, target
from glue.topology.kinds import KINDS
from glue.topology.kinds.acl import acl_rows
from glue.topology.kinds.contract import Exported
from glue.topology.load import load
from glue.topology.plan import Plan, make_plan
from glue.topology.planfile import fingerprints
from glue.topology.services import Services

from .guarded import guarded_broker
from .project import Project

pytestmark = pytest.mark.stack

KIND = ("topic", "acl")
READER = {
    "principal": "User:sink",
    "operations": ["Read", "describe"],
    "resource": {"type": "topic", "name": "sink.", "pattern": "prefixed"},
}
GROUP = {"principal": "User:sink", "host": "ANY", "operations": "READ", "resource": {"type": "group", "name": "g"}}
STRANGER = {
    "principal": "User:*",
    "operations": ["WRITE"],
    "permission": "deny",
    "resource": {"type": "topic", "name": "sink.secret"},
}
CLUSTER = {"principal": "User:svc", "operations": "IdempotentWrite", "resource": {"type": "cluster"}}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of such a broker."""
    with guarded_broker(tmp_path_factory.mktemp("guarded")) as (admin, _):
        yield admin.bootstrap


@pytest.fixture
def live(guarded: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    nowhere = "http://127.0.0.1:9"
    owner = f"o{abs(hash(request.node.name))}"
    project = Project(tmp_path / "project", owner, kafka=guarded, registry=nowhere, connect=nowhere)
    yield project
    admin = Services(project.settings).admin
    for acl in (read_acls(admin) or {}).values():
        delete_acl(admin, acl)


def declare(project: Project, **entries: dict[str, Any]) -> None:
    project.write("connect-config/acls.json", {"acls": entries})


def apply(project: Project, **options: Any) -> Outcome:
    return apply_all(project.settings, kinds=KIND, options=Options(**options))


def plan(project: Project, prune: bool = False) -> Plan:
    return make_plan(Services(project.settings), load(project.settings), KIND, prune=prune)


def names(project: Project) -> set[str]:
    return set(read_acls(Services(project.settings).admin) or {})


BOTH = {"User:sink allow READ on topic sink. (prefixed)", "User:sink allow DESCRIBE on topic sink. (prefixed)"}


def test_applied_compared_and_shown(live: Project) -> None:
    declare(live, reader=READER, group=GROUP, stranger=STRANGER, cluster=CLUSTER)
    done = apply(live)
    assert {str(change.action) for change in done.changes} == {"create"} and len(done.changes) == 5
    assert names(live) == BOTH | {
        "User:sink allow READ on group g",
        "User:* deny WRITE on topic sink.secret",
        "User:svc allow IDEMPOTENT_WRITE on cluster kafka-cluster",
    }
    assert plan(live).changes == [] and apply(live).changes == []
    declare(live, group=GROUP, reader={**READER, "operations": ["DESCRIBE", "READ"], "host": "*"})
    assert plan(live).changes == []  # another order and another spelling
    rows = acl_rows(Services(live.settings), load(live.settings)) or []
    states = {row["principal"]: row["state"] for row in rows}
    assert states == {"User:sink": "as declared", "User:svc": "not declared", "User:*": "not declared"}


def test_prune_takes_only_what_it_created(live: Project) -> None:
    services = Services(live.settings)
    foreign = Acl("User:foreign", "allow", "READ", "topic", "x")
    create_acl(services.admin, foreign)
    declare(live, reader=READER, group=GROUP)
    apply(live)
    declare(live, reader={**READER, "operations": ["READ"]})
    assert plan(live).changes == []
    gone = sorted(change.label for change in plan(live, prune=True).changes)
    assert gone == [
        "acl User:sink allow DESCRIBE on topic sink. (prefixed)",
        "acl User:sink allow READ on group g",
    ]
    apply(live, prune=True)
    assert names(live) == {"User:sink allow READ on topic sink. (prefixed)", foreign.label}
    live.remove("connect-config/acls.json")
    apply(live, prune=True)
    assert names(live) == {foreign.label}


def test_a_failed_apply_and_an_earlier_one_are_taken_back(live: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(live, group=GROUP)
    apply(live)
    declare(live, reader=READER)
    kind, real, made = KINDS["acl"], KINDS["acl"].apply, []

    def breaks(*arguments: Any) -> Any:
        if made:
            raise ServiceError("acl", "the broker is tired")
        made.append(1)
        return real(*arguments)

    monkeypatch.setattr(kind, "apply", breaks)
    with pytest.raises(ServiceError, match="rolled back: acl"):
        apply(live, rollback=True)
    monkeypatch.undo()
    assert names(live) == {"User:sink allow READ on group g"}
    apply(live)
    services = Services(live.settings)
    back = declared_by(target(services.memory.read(), None))
    assert "acl" in REVERSIBLE
    apply_all(live.settings, kinds=KIND, options=Options(prune=True), declared=back, rules=False)
    assert names(live) == {"User:sink allow READ on group g"}


def test_a_plan_notices_what_moved(live: Project) -> None:
    declare(live, group=GROUP)
    before = fingerprints(plan(live))
    create_acl(Services(live.settings).admin, Acl("User:sink", "allow", "READ", "group", "g"))
    assert fingerprints(plan(live)) != before


def test_export_declares_the_cluster_as_it_is(live: Project, tmp_path: Path) -> None:
    declare(live, reader=READER, stranger=STRANGER, cluster=CLUSTER)
    apply(live)
    out = Exported(tmp_path, tmp_path)
    KINDS["acl"].export(Services(live.settings), out)
    exported = json.loads((tmp_path / "acls.json").read_text())
    live.write("connect-config/acls.json", exported)
    assert set(load(live.settings).of("acl")) == names(live) and out.counts == {"acls": 3}


def test_a_broker_without_an_authorizer_says_so(stack: Settings, tmp_path: Path) -> None:
    project = Project(tmp_path / "other", "o", kafka=stack.kafka)
    assert plan(project).changes == []
    declare(project, group=GROUP)
    with pytest.raises(ServiceError, match="no authorizer"):
        plan(project)
