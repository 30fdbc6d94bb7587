"""ACLs in the forms of those who make them elsewhere: Strimzi, Terraform, Kafka's own tool, Confluent's CLI."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from glue.errors import ConfigError
from glue.kafka.acls import Acl

_OPERATOR = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def _camel(word: str) -> str:
    """``DESCRIBE_CONFIGS`` as ``DescribeConfigs``."""
    return "".join(part.capitalize() for part in word.split("_"))


def _together(acls: Iterable[Acl]) -> dict[Acl, list[str]]:
    """Operations on the same resource, by an ACL without one."""
    found: dict[Acl, list[str]] = {}
    for one in sorted(acls):
        found.setdefault(replace(one, operation=""), []).append(one.operation)
    return found


def kafka_users(acls: Iterable[Acl], cluster: str) -> list[dict[str, Any]]:
    """``KafkaUser`` of Strimzi, one a principal; its operator makes the password (SCRAM-SHA-512).

    Raises:
        ConfigError: a principal is none that Strimzi can make a user of.
    """
    users: dict[str, list[dict[str, Any]]] = {}
    for acl, operations in _together(acls).items():
        kind, _, name = acl.principal.partition(":")
        if kind != "User" or not _OPERATOR.fullmatch(name):
            fix = "name it User: and small letters, digits, '-' and '.'"
            raise ConfigError(f"acl of {acl.principal}", "Strimzi makes no user of this name", fix)
        resource = {"type": "transactionalId" if acl.type == "transactional_id" else acl.type}
        if acl.type != "cluster":
            resource |= {"name": acl.name, "patternType": "prefix" if acl.pattern == "prefixed" else "literal"}
        entry = {"type": acl.permission, "resource": resource, "operations": [_camel(one) for one in operations]}
        users.setdefault(name, []).append(entry | ({"host": acl.host} if acl.host != "*" else {}))
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {
                "name": name,
                "labels": {"app.kubernetes.io/part-of": "millionx", "strimzi.io/cluster": cluster},
            },
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": entries},
            },
        }
        for name, entries in sorted(users.items())
    ]


def _label(acl: Acl) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", acl.label.replace("*", "any")).strip("_")


def _labelled(acls: Iterable[Acl], form: Callable[[Acl], dict[str, str]]) -> dict[str, dict[str, str]]:
    """Two that differ only in what no label of Terraform may hold get numbers."""
    found: dict[str, dict[str, str]] = {}
    for acl in sorted(acls):
        name, number = _label(acl), 1
        while name in found:
            number += 1
            name = f"{_label(acl)}_{number}"
        found[name] = form(acl)
    return found


def terraform_confluent(acls: Iterable[Acl]) -> dict[str, Any]:
    """``confluent_kafka_acl`` of the provider confluentinc/confluent, which is set up for one cluster (kafka_id …)."""

    def form(acl: Acl) -> dict[str, str]:
        return {
            "principal": acl.principal, "host": acl.host, "operation": acl.operation, "resource_name": acl.name,
            "permission": acl.permission.upper(), "resource_type": acl.type.upper(),
            "pattern_type": acl.pattern.upper(),
        }  # fmt: skip

    source = {"source": "confluentinc/confluent"}
    return {
        "terraform": {"required_providers": {"confluent": source}},
        "resource": {"confluent_kafka_acl": _labelled(acls, form)},
    }


def terraform_kafka(acls: Iterable[Acl]) -> dict[str, Any]:
    """``kafka_acl`` of the provider Mongey/kafka, for any cluster."""

    def form(acl: Acl) -> dict[str, str]:
        return {
            "acl_principal": acl.principal, "acl_host": acl.host, "acl_operation": _camel(acl.operation),
            "acl_permission_type": acl.permission.capitalize(), "resource_type": _camel(acl.type).replace("Id", "ID"),
            "resource_name": acl.name, "resource_pattern_type_filter": acl.pattern.capitalize(),
        }  # fmt: skip

    return {
        "terraform": {"required_providers": {"kafka": {"source": "Mongey/kafka"}}},
        "resource": {"kafka_acl": _labelled(acls, form)},
    }


def kafka_acls(acls: Iterable[Acl]) -> Iterator[str]:
    """Calls of ``kafka-acls.sh``; $KAFKA and $CONFIG are the brokers and the administrator's client properties."""
    for acl, operations in _together(acls).items():
        words = ["--add", f"--{acl.permission}-principal", acl.principal]
        words += [] if acl.host == "*" else [f"--{acl.permission}-host", acl.host]
        words += [word for one in operations for word in ("--operation", _camel(one))]
        words += ["--cluster"] if acl.type == "cluster" else [f"--{acl.type.replace('_', '-')}", acl.name]
        words += ["--resource-pattern-type", "prefixed"] if acl.pattern == "prefixed" else []
        yield f'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$CONFIG" {shlex.join(words)}'


def confluent_cli(acls: Iterable[Acl]) -> Iterator[str]:
    """Calls of ``confluent kafka acl create``, for the cluster in use."""
    flags = {"group": "--consumer-group", "topic": "--topic", "transactional_id": "--transactional-id"}
    for acl, operations in _together(acls).items():
        words = [f"--{acl.permission}", "--principal", acl.principal]
        words += ["--operations", ",".join(one.lower().replace("_", "-") for one in operations)]
        words += ["--cluster-scope"] if acl.type == "cluster" else [flags[acl.type], acl.name]
        words += ["--prefix"] if acl.pattern == "prefixed" else []
        yield f"confluent kafka acl create {shlex.join(words)}"


FORMS: dict[str, Callable[[Iterable[Acl]], Any]] = {
    "kafka-acls": kafka_acls,
    "confluent": confluent_cli,
    "terraform-confluent": terraform_confluent,
    "terraform-kafka": terraform_kafka,
}
