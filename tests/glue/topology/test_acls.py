"""ACLs as files declare them: one binding an operation, however it is spelt; and never a false difference."""

from __future__ import annotations

from typing import Any

import pytest

from glue.errors import ServiceError
from glue.kafka.acls import Acl
from glue.topology.kinds import KINDS
from glue.topology.kinds import acl as kind
from glue.topology.kinds.contract import Live
from glue.topology.load import from_snapshot, load, to_snapshot
from glue.topology.memory import Memory
from glue.topology.plan import make_plan
from glue.topology.validate import problems

from .project import Project

READ = {"principal": "User:sink", "operations": ["READ"], "resource": {"type": "topic", "name": "p.things"}}


def entry(**changes: Any) -> dict[str, Any]:
    return {**READ, **changes}


def declare(project: Project, *entries: dict[str, Any]) -> None:
    project.write("connect-config/acls.json", {"acls": {f"entry {n}": one for n, one in enumerate(entries)}})


def told(project: Project) -> list[str]:
    return [str(one) for one in problems(load(project.settings)) if not one.warning]


class Nobody:
    """Services of which none may be asked."""


def test_one_binding_an_operation(project: Project) -> None:
    declare(project, entry(operations=["READ", "DESCRIBE"]), entry(operations="READ"))
    declared = load(project.settings)
    assert told(project) == []
    assert declared.of("acl") == {
        "User:sink allow READ on topic p.things": Acl("User:sink", "allow", "READ", "topic", "p.things"),
        "User:sink allow DESCRIBE on topic p.things": Acl("User:sink", "allow", "DESCRIBE", "topic", "p.things"),
    }
    assert from_snapshot(to_snapshot(declared)).of("acl") == declared.of("acl")


@pytest.mark.parametrize(
    "spelt",
    [
        entry(operations=["read"]),
        entry(operations="Read"),
        entry(host="ANY"),
        entry(host=""),
        entry(permission="ALLOW"),
        entry(resource={"type": "TOPIC", "name": "p.things", "pattern": "LITERAL"}),
        entry(description="what it is for"),
    ],
    ids=["small letters", "one alone", "any host", "no host", "permission", "resource", "description"],
)
def test_means_the_same(project: Project, spelt: dict[str, Any]) -> None:
    declare(project, spelt)
    assert list(load(project.settings).of("acl")) == ["User:sink allow READ on topic p.things"]


def test_words_of_two_parts(project: Project) -> None:
    group = {"type": "TransactionalId", "name": "svc", "pattern": "prefixed"}
    declare(project, entry(operations=["DescribeConfigs", "alter-configs"]), entry(operations="Write", resource=group))
    assert sorted(load(project.settings).of("acl")) == [
        "User:sink allow ALTER_CONFIGS on topic p.things",
        "User:sink allow DESCRIBE_CONFIGS on topic p.things",
        "User:sink allow WRITE on transactional_id svc (prefixed)",
    ]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (entry(operations=["ANY"]), "operations"),
        (entry(operations=[]), "operations"),
        (entry(principal="sink"), "principal"),
        (entry(permission="maybe"), "permission"),
        (entry(resource={"type": "topic"}), "name a topic"),
        (entry(resource={"type": "topic", "name": "*", "pattern": "prefixed"}), "only in a literal pattern"),
        (entry(resource={"type": "cluster", "name": "mine"}), "kafka-cluster"),
        (entry(resource={"type": "pod", "name": "x"}), "resource.type"),
        (entry(hosts="*"), "is not a known key"),
        (entry(operations=["IDEMPOTENT_WRITE"]), "a topic has no IDEMPOTENT_WRITE"),
        (entry(operations="WRITE", resource={"type": "group", "name": "g"}), "a group has no WRITE"),
    ],
)
def test_mistakes_are_reported(project: Project, wrong: dict[str, Any], text: str) -> None:
    declare(project, wrong)
    assert any(text in one and one.startswith("acls.json: ") for one in told(project)), told(project)


def test_a_profile_patches_and_leaves_out(project: Project) -> None:
    declare(project, READ, entry(principal="User:other"))
    project.profile({"acls": {"acls": {"entry 0": {"host": "10.0.0.1"}, "entry 1": None}}})
    assert list(load(project.settings).of("acl")) == ["User:sink allow READ on topic p.things from 10.0.0.1"]


def test_without_a_file_nobody_is_asked(project: Project) -> None:
    plan = make_plan(Nobody(), load(project.settings), ("acl",))  # type: ignore[arg-type]
    assert plan.changes == [] and plan.live["acl"] == Live()


def test_brokers_without_an_authorizer(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said where ACLs are declared; ignored where there were some once and none are declared any more."""
    monkeypatch.setattr(kind, "read_acls", lambda _: None)

    class Services:
        admin = None

    declare(project, READ)
    with pytest.raises(ServiceError, match="the brokers have no authorizer"):
        make_plan(Services(), load(project.settings), ("acl",))  # type: ignore[arg-type]
    with pytest.raises(ServiceError):
        kind.acl_rows(Services(), load(project.settings))  # type: ignore[arg-type]
    (problem,) = KINDS["acl"].validate(Services(), load(project.settings))  # type: ignore[arg-type]
    assert problem.file is not None and problem.file.name == "acls.json"
    project.remove("connect-config/acls.json")
    assert kind.acl_rows(Services(), load(project.settings)) is None  # type: ignore[arg-type]
    memory = Memory(owned={("acl", "User:sink allow READ on topic p.things"): {}})
    assert KINDS["acl"].read(Services(), {}, memory) == Live()  # type: ignore[arg-type]


def route(project: Project, **derive: Any) -> None:
    """A source, a chain and a sink, whose rights follow from them."""
    project.topics({name: {"partitions": 1} for name in ("raw", "sink", "dead")})
    (project.config / "sources").mkdir(exist_ok=True)
    project.write("connect-config/sources/s.json", {"topic": "p.raw", "dead_letters": "p.dead"})
    chain = {"topics": "p.raw", "output.topic": "p.sink", "errors.deadletterqueue.topic.name": "p.dead"}
    project.write("connect-config/transforms/c.json", {"config": {**chain, "transforms": ""}})
    project.connector("k", "sink")
    project.write("connect-config/acls.json", {"derive": derive, "acls": {"mine": READ}})


def of(project: Project, principal: str) -> set[str]:
    found = load(project.settings).of("acl")
    return {label.removeprefix(f"{principal} allow ") for label, acl in found.items() if acl.principal == principal}


def test_least_rights_follow_from_what_is_declared(project: Project) -> None:
    route(project)
    reads = "DESCRIBE on group mxctl- (prefixed)"  # else the broker's log fills up with readers without a group
    assert of(project, "User:millionx-source-s") == {
        reads,
        "WRITE on topic p.raw",
        "WRITE on topic p.dead",
        "READ on topic connectors.checkpoints",
        "WRITE on topic connectors.checkpoints",
        "READ on group connectors.lease.s",
        "WRITE on transactional_id connectors.s",
    }
    assert of(project, "User:millionx-chain-c") == {
        reads,
        "READ on topic p.raw",
        "WRITE on topic p.sink",
        "WRITE on topic p.dead",
        "READ on topic millionx.forgotten",
        "READ on group millionx-c",
        "WRITE on transactional_id millionx-c- (prefixed)",
    }
    assert {"READ on topic p.sink", "READ on group connect-p-k"} <= of(project, "User:millionx-connect")
    assert reads not in of(project, "User:millionx-connect"), "Java's readers have no group"
    assert of(project, "User:sink") == {"READ on topic p.things"}, "what is declared by hand stays"
    declared = load(project.settings)
    assert from_snapshot(to_snapshot(declared)).of("acl") == declared.of("acl")
    rows = kind.derived_rows(declared, project.settings)
    assert {row["principal"] for row in rows} | {"User:sink"} == {acl.principal for acl in declared.of("acl").values()}
    project.remove("connect-config/transforms/c.json")
    assert not of(project, "User:millionx-chain-c")


def test_roles_may_share_a_login_or_have_none_here(project: Project) -> None:
    route(
        project, principal="User:{role}", principals={"source-s": "User:sa-1", "chain-c": "User:sa-1"}, without=["page"]
    )
    assert {"WRITE on topic p.raw", "READ on topic p.raw"} <= of(project, "User:sa-1")
    assert of(project, "User:dlq") and not of(project, "User:page") and not of(project, "User:source-s")
    route(project, principals={"source-z": "User:sa-1"})
    assert any("source-z: is no role of this topology" in one for one in told(project))
    route(project, principal="User:all-the-same")
    assert any("derive.principal" in one for one in told(project))


def test_a_connector_with_a_login_of_its_own(project: Project) -> None:
    route(project)
    project.connector("k", "sink", consumer_override_sasl_jaas_config="${file:secrets/k.properties:jaas}")
    assert "READ on topic p.sink" in of(project, "User:millionx-connector-p-k")
    assert "READ on topic p.sink" not in of(project, "User:millionx-connect")
