"""What is wrong with this installation and with what it uses, and how to fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import redis
import requests

from glue.connect import ConnectClient
from glue.errors import Finding, MillionXError
from glue.http_access import HttpAccess
from glue.kafka.acls import authorized
from glue.kafka.reads import TIMEOUT
from glue.pipeline.routes import Pipeline
from glue.redis_client import open_redis
from glue.registry import registry_errors, subject_names
from glue.secrets import url_without_credentials
from glue.stores.registry import STORES
from glue.times import split_list
from glue.topology.installation import cluster, disk, keys, python
from glue.topology.kinds.connector import known_plugin, read_connectors
from glue.topology.load import load
from glue.topology.plan import make_plan
from glue.topology.reach import kafka_login, kafka_ways, way_to
from glue.topology.rights import rights
from glue.topology.services import Services
from glue.topology.validate import problems
from glue.topology.wait import health

_SKEW_S = 60  # from which on a token or a certificate may seem to be of another time


Check = Callable[[Services], Iterator[Finding]]


def examine(services: Services, more: Iterable[tuple[str, Check]] = ()) -> Iterator[Finding]:
    """Every check, in the order in which one builds on the other, then ``more``, by name. Nothing is written."""
    for name, check in (*_CHECKS, *more):
        try:
            yield from check(services)
        except MillionXError as error:
            address = getattr(services.settings, name, "") if name in ("registry", "connect") else ""
            yield _explained(name, error, address, services)
        except Exception as error:  # a check that breaks must not hide the others
            yield Finding(name, "fail", f"the check itself failed: {type(error).__name__}", "please report it")


def _explained(check: str, error: MillionXError, url: str, services: Services) -> Finding:
    """A failure with what its server says of itself, where that is more."""
    ca_file = getattr(services.settings, f"{check}_ca_file", None)
    asked = [(one, way_to(one, str(ca_file or "")).problem()) for one in split_list(url)]
    reasons = [(url_without_credentials(one), reason) for one, reason in asked if reason]
    if not reasons:
        return Finding(check, "fail", str(error), error.fix)
    return Finding(check, "fail", "; ".join(f"{one}: {reason.why}" for one, reason in reasons), reasons[0][1].fix)


def _files(services: Services) -> Iterator[Finding]:
    declared = load(services.settings)
    found = problems(declared)
    errors = [problem for problem in found if not problem.warning]
    if errors:
        detail = f"{len(errors)} errors in the declared files, first: {errors[0]}"
        yield Finding("files", "fail", detail, "mxctl validate shows all of them")
    else:
        counts = {kind: len(getattr(declared, kind)) for kind in ("topics", "subjects", "connectors", "chains")}
        detail = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        yield Finding("files", "warn" if found else "ok", detail, "mxctl validate" if found else "")


def _kafka(services: Services) -> Iterator[Finding]:
    problems = [way.problem() for way in kafka_ways(services.kafka)]
    reason = None if None in problems else problems[0]
    if reason is None and "sasl" in services.kafka.properties.get("security.protocol", "").lower():
        reason = kafka_login(services.kafka)
    if reason is not None:
        yield Finding("kafka", "fail", reason.why, reason.fix)
        return
    _ = services.cluster_id
    metadata = services.admin.list_topics(timeout=TIMEOUT)
    for number, broker in sorted(metadata.brokers.items()):
        for way in kafka_ways(replace(services.kafka, bootstrap=f"{broker.host}:{broker.port}")):
            if reason := way.problem():
                why = f"broker {number} tells clients to use {broker.host}:{broker.port}, and {reason.why}"
                yield Finding("kafka", "fail", why, f"{reason.fix}; or correct advertised.listeners of the broker")
    brokers = len(metadata.brokers)
    offline = [n for n, t in metadata.topics.items() if any(p.leader < 0 for p in t.partitions.values())]
    lagging = [
        n for n, t in metadata.topics.items() if any(len(p.isrs) < len(p.replicas) for p in t.partitions.values())
    ]
    yield Finding("kafka", "ok", f"{brokers} brokers at {services.settings.kafka}, {len(metadata.topics)} topics")
    if offline:
        yield Finding("kafka", "fail", f"without a leader: {', '.join(offline[:5])}", "start the missing broker again")
    elif lagging:
        detail = f"fewer copies in sync than declared: {', '.join(lagging[:5])}"
        yield Finding("kafka", "warn", detail, "look at the brokers")


def _rights(services: Services) -> Iterator[Finding]:
    """What this login may not do of what ``mxctl plan`` and ``apply`` do; brokers without an authorizer allow all."""
    declared = load(services.settings)
    wanted: dict[tuple[str, str], set[str]] = {}
    for right in rights(declared, services.settings):
        if right.role == "mxctl" and (right.type != "cluster" or declared.of("acl")):
            wanted.setdefault((right.type, right.name), set()).add(right.operation)
    allowed = authorized(services.admin, wanted)
    missing = [
        f"{', '.join(sorted(lacking))} on {kind} {name}"
        for (kind, name), operations in sorted(wanted.items())
        if (kind, name) in allowed and (lacking := operations - allowed[kind, name])
    ]
    if missing:
        more = f" and on {len(missing) - 5} more" if len(missing) > 5 else ""
        fix = "mxctl export acls kafka-acls prints what grants it; mxctl acls lists what each program needs"
        yield Finding("rights", "warn", f"this login lacks {'; '.join(missing[:5])}{more}", fix)
    else:
        yield Finding("rights", "ok", "this login may do what mxctl does with Kafka")


def _clock(services: Services) -> Iterator[Finding]:
    """The clock here against those of the services: certificates and tokens that look ended may not be."""
    for name in ("registry", "connect"):
        url = getattr(services.settings, name).partition(",")[0]
        try:
            with HttpAccess.of(services.settings, name).session() as session:
                answer = session.head(url, timeout=5, allow_redirects=False)
            theirs = parsedate_to_datetime(answer.headers["Date"])
        except (MillionXError, requests.RequestException, KeyError, ValueError):
            continue  # the service's own check says so
        ahead = (datetime.now(UTC) - theirs).total_seconds()
        if abs(ahead) > _SKEW_S:
            way = "ahead of" if ahead > 0 else "behind"
            detail = f"the clock here is {abs(ahead):.0f} s {way} that of {url_without_credentials(url)}"
            yield Finding("clock", "fail", detail, "set the wrong one of the two, and let NTP keep it: timedatectl")
            return


def _registry(services: Services) -> Iterator[Finding]:
    names = subject_names(services.registry)
    with registry_errors("Schema Registry"):
        level = services.registry.get_compatibility()
    where = url_without_credentials(services.settings.registry)
    yield Finding("registry", "ok", f"{len(names)} subjects, default level {level}, at {where}")


def _connect(services: Services) -> Iterator[Finding]:
    root = services.connect.root()
    yield Finding("connect", "ok", f"version {root.get('version')} at {services.connect.shown_url}")
    for url in services.connect.urls[1:]:  # the first one has answered
        try:
            ConnectClient.of(services.settings, url, retries=0, patience=0).root()
        except MillionXError as error:
            said = _explained("connect", error, url, services)
            yield replace(said, state="warn", detail=f"one worker of several: {said.detail}")
    theirs = str(root.get("kafka_cluster_id"))
    if theirs != services.cluster_id:
        detail = f"the worker belongs to Kafka cluster {theirs}, MXCTL_KAFKA is cluster {services.cluster_id}"
        yield Finding("connect", "fail", detail, "let MXCTL_CONNECT and MXCTL_KAFKA name the same cluster")
    for connector in load(services.settings).connectors.values():
        try:
            known_plugin(services, connector)
        except MillionXError as error:
            yield Finding("plugins", "fail", str(error), error.fix)


def _connectors(services: Services) -> Iterator[Finding]:
    live = read_connectors(services)
    for name, one in sorted(live.items()):
        state = health(one)
        if state.state == "ok":
            at_rest = one.state in ("PAUSED", "STOPPED")
            fix = f"mxctl connectors resume {name}" if at_rest else ""
            yield Finding("connector", "warn" if at_rest else "ok", f"{name}: {state.detail}", fix)
        else:
            level = "fail" if state.state == "failed" else "warn"
            yield Finding("connector", level, f"{name}: {state.detail}", f"mxctl connectors describe {name}")


def _drift(services: Services) -> Iterator[Finding]:
    declared = load(services.settings)
    if any(not problem.warning for problem in problems(declared)):
        return
    changes = make_plan(services, declared).changes
    if changes:
        yield Finding("drift", "warn", f"{len(changes)} resources are not as declared", "mxctl plan, then mxctl apply")
    else:
        yield Finding("drift", "ok", "the cluster is as declared")


def _stores(services: Services) -> Iterator[Finding]:
    targets = Pipeline.of(load(services.settings)).targets
    for name in dict.fromkeys(target.store for target in targets):
        store, mine = STORES[name], {target.label: target for target in targets if target.store == name}
        try:
            store.check_installed()
            with store.open(services.settings, mine.values()) as client:
                sizes = ", ".join(f"{target.place} {client.size(target):,}" for target in mine.values())
            yield Finding("stores", "ok", f"{store.title} answers; it holds {sizes}")
        except MillionXError as error:
            url = services.settings.weaviate if name == "weaviate" else ""
            said = _explained("weaviate", error, url, services)
            yield replace(said, check="stores", detail=f"{store.title}, {said.detail}" if url else said.detail)


def _redis(services: Services) -> Iterator[Finding]:
    """Asked with a command that reads, since one that refuses those may still answer a ping."""
    url = services.settings.redis
    where, fix = url_without_credentials(url), "start it, or let MXCTL_REDIS name the one that runs"
    try:
        with open_redis(services.settings, TIMEOUT) as client:
            yield Finding("redis", "ok", f"{client.dbsize():,} keys at {where}")
    except (redis.RedisError, ValueError) as error:
        if isinstance(error, redis.ConnectionError) and (reason := way_to(url).problem()):
            yield Finding("redis", "fail", f"{where}: {reason.why}", reason.fix)
            return
        yield Finding("redis", "fail", f"{where}: {error or type(error).__name__}", fix)


_CHECKS: tuple[tuple[str, Check], ...] = (
    ("cluster", cluster),
    ("python", python),
    ("disk", disk),
    ("files", _files),
    ("kafka", _kafka),
    ("rights", _rights),
    ("registry", _registry),
    ("connect", _connect),
    ("clock", _clock),
    ("connectors", _connectors),
    ("stores", _stores),
    ("redis", _redis),
    ("secrets", keys),
    ("drift", _drift),
)
