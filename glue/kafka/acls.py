"""ACLs as Kafka's authorizer has them: looked at, made, deleted; each call returns once the broker would say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from glue.errors import ServiceError
from glue.kafka.reads import TIMEOUT, answer, kafka_unavailable
from glue.kafka.topics import kafka_errors, wait_until

_TYPES = {"topic": "TOPIC", "group": "GROUP", "cluster": "BROKER", "transactional_id": "TRANSACTIONAL_ID"}


@dataclass(frozen=True, order=True)
class Acl:
    """One binding."""

    principal: str
    permission: str
    operation: str
    type: str
    name: str
    pattern: str = "literal"
    host: str = "*"

    @property
    def label(self) -> str:
        """It in words, which are also its name: ``User:sink allow READ on topic sink. (prefixed)``."""
        prefixed = " (prefixed)" if self.pattern == "prefixed" else ""
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.principal} {self.permission} {self.operation} on {self.type} {self.name}{prefixed}{where}"

    def binding(self, made: Any = AclBinding) -> Any:
        """It as Kafka's client takes it, to create it or (``AclBindingFilter``) to find it."""
        return made(
            ResourceType[_TYPES[self.type]],
            self.name,
            ResourcePatternType[self.pattern.upper()],
            self.principal,
            self.host,
            AclOperation[self.operation],
            AclPermissionType[self.permission.upper()],
        )


def read_acls(admin: Any) -> dict[str, Acl] | None:
    """Every ACL there is, by its label; None where the brokers have no authorizer.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
        ServiceError: this principal may not look at ACLs (DESCRIBE on the cluster).
    """
    make: Any = AclBindingFilter  # the stub does not know that None is any
    every = make(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    with kafka_errors("acls"):
        try:
            found = answer(admin.describe_acls(every, request_timeout=TIMEOUT))
        except KafkaException as error:
            if error.args[0].code() == KafkaError.SECURITY_DISABLED:
                return None
            raise
        if not found and not _has_authorizer(admin):
            return None
    types = {theirs: ours for ours, theirs in _TYPES.items()}
    acls = [
        Acl(
            one.principal,
            one.permission_type.name.lower(),
            one.operation.name,
            types[one.restype.name],
            one.name,
            one.resource_pattern_type.name.lower(),
            one.host,
        )
        for one in found
        if one.restype.name in types
    ]
    return {acl.label: acl for acl in acls}


def _has_authorizer(admin: Any) -> bool:
    """Whether an empty list of ACLs is one. librdkafka 2.16 also reads as such that there is no authorizer, and that
    this principal may not look.
    """
    cluster = answer(admin.describe_cluster(include_authorized_operations=True, request_timeout=TIMEOUT))
    if AclOperation.DESCRIBE not in (cluster.authorized_operations or ()):
        raise ServiceError("acls", "this principal is not allowed to list them", "allow it DESCRIBE on the cluster")
    resource = ConfigResource(ConfigResource.Type.BROKER, str(cluster.nodes[0].id))
    try:
        config = answer(admin.describe_configs([resource], request_timeout=TIMEOUT)[resource])
    except KafkaException as error:
        if error.args[0].code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            return True  # who refuses is an authorizer
        raise
    entry = config.get("authorizer.class.name")
    return entry is None or bool(entry.value)


def authorized(admin: Any, resources: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    """What this login may do with topics, groups and the cluster, by (type, name); what is not there is left out.

    Raises:
        ServiceUnavailableError: Kafka does not answer.
    """
    own: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": TIMEOUT}
    wanted, futures = list(resources), dict[tuple[str, str], Any]()
    topics = [name for kind, name in wanted if kind == "topic"]
    if topics:
        made = admin.describe_topics(TopicCollection(topics), **own)
        futures |= {("topic", name): future for name, future in made.items()}
    groups = [name for kind, name in wanted if kind == "group"]
    if groups:
        futures |= {("group", name): one for name, one in admin.describe_consumer_groups(groups, **own).items()}
    futures |= {one: admin.describe_cluster(**own) for one in wanted if one[0] == "cluster"}
    found = {}
    for one, future in futures.items():
        try:
            found[one] = {operation.name for operation in answer(future).authorized_operations or ()}
        except KafkaException as error:
            code = error.args[0].code()
            if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
                found[one] = set()
            elif error.args[0].retriable() and code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise kafka_unavailable(f"{one[0]} {one[1]}", error) from None
    return found


def create_acl(admin: Any, acl: Acl) -> None:
    with kafka_errors(f"acl {acl.label}"):
        for future in admin.create_acls([acl.binding()], request_timeout=TIMEOUT).values():
            answer(future)
    wait_until(lambda: acl.label in (read_acls(admin) or {}), f"acl {acl.label}", "not in force")


def delete_acl(admin: Any, acl: Acl) -> None:
    with kafka_errors(f"acl {acl.label}"):
        for future in admin.delete_acls([acl.binding(AclBindingFilter)], request_timeout=TIMEOUT).values():
            answer(future)
    wait_until(lambda: acl.label not in (read_acls(admin) or {}), f"acl {acl.label}", "not in force")
