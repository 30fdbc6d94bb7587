"""ACLs: ``connect-config/acls.json`` and Kafka's authorizer. Without the file none are managed, and nobody is asked.

A resource of this kind is one binding, as Kafka keeps it: one principal, one operation, one resource or prefix. With
``derive``, the least rights of each program are among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from glue.errors import ServiceError
from glue.kafka.acls import Acl, create_acl, delete_acl, read_acls
from glue.settings import Settings
from glue.topology.change import Action, Change, FieldChange, Undo
from glue.topology.files import Files, Strict, json_schema
from glue.topology.kinds.contract import Exported, Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared, Problem
from glue.topology.rights import rights
from glue.topology.services import Services

CLUSTER = "kafka-cluster"  # the only name that a resource of the type cluster has
_CONFIGS = {"DESCRIBE_CONFIGS", "ALTER_CONFIGS"}
# Which operations mean something for a resource. Source: Kafka 4.1, "Operations and Resources on Protocols"
_OPERATIONS = {
    "topic": {"READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", *_CONFIGS},
    "group": {"READ", "DESCRIBE", "DELETE", *_CONFIGS},
    "cluster": {"CREATE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "IDEMPOTENT_WRITE", *_CONFIGS},
    "transactional_id": {"WRITE", "DESCRIBE"},
}
Operation = Literal[
    "ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS", "IDEMPOTENT_WRITE",
]  # fmt: skip


def _upper(value: Any) -> Any:
    """``DescribeConfigs``, ``describe-configs`` and ``DESCRIBE_CONFIGS`` are one word."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).replace("-", "_").upper() if isinstance(value, str) else value
    return text.strip() if isinstance(text, str) else text


class AclResource(Strict):
    """What a right is about."""

    type: Literal["topic", "group", "cluster", "transactional_id"]
    name: str = Field("", description="Its name, the beginning of names (prefixed), or * for all. Not for a cluster.")
    pattern: Literal["literal", "prefixed"] = "literal"

    @field_validator("type", "pattern", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        text = _upper(value)
        return text.lower() if isinstance(text, str) else text

    @model_validator(mode="after")
    def _named(self) -> AclResource:
        if self.type == "cluster":
            if self.name not in ("", CLUSTER) or self.pattern != "literal":
                raise ValueError(f"a cluster has no other name than {CLUSTER} and no prefix")
            self.name = CLUSTER
        elif not self.name:
            raise ValueError(f"name a {self.type}, or * for all")
        elif self.name == "*" and self.pattern == "prefixed":
            raise ValueError("* means all only in a literal pattern; a prefix is taken as it is written")
        return self


class AclEntry(Strict):
    """Rights of one principal on one resource."""

    description: str = ""
    principal: str = Field(pattern=r"^[^:\s]+:.*\S$", description="As the broker sees it: User:name.")
    host: str = Field("*", description="Address that the client comes from; * for any.")
    operations: list[Operation] = Field(min_length=1, description="What is allowed or denied; one may stand alone.")
    permission: Literal["allow", "deny"] = "allow"
    resource: AclResource

    @field_validator("operations", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return [_upper(one) for one in value] if isinstance(value, list) else [_upper(value)]

    @field_validator("permission", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("host", mode="after")
    @classmethod
    def _any(cls, value: str) -> str:
        return "*" if value.strip().upper() in ("", "*", "ANY") else value.strip()

    def acls(self) -> list[Acl]:
        """One for each operation."""
        of = self.resource
        return [
            Acl(self.principal, self.permission, one, of.type, of.name, of.pattern, self.host)
            for one in dict.fromkeys(self.operations)
        ]


class Derive(Strict):
    """The least rights of each program, made from the declared topology; `mxctl acls` lists the roles."""

    principal: str = Field(
        "User:millionx-{role}", pattern=r"^[^:\s]+:.*\{role\}.*$", description="What the broker calls a role's login."
    )
    principals: dict[str, str] = Field(default_factory=dict, description="Role → its login, where it is another.")
    without: list[str] = Field(default_factory=list, description="Roles that get no rights here.")

    def of(self, role: str) -> str:
        """The principal of a role."""
        return self.principals.get(role) or self.principal.replace("{role}", role)


class AclsFile(Strict):
    """``acls.json``: entries by a name of one's own."""

    schema_: str | None = Field(None, alias="$schema")
    derive: Derive | None = None
    acls: dict[str, AclEntry] = Field(default_factory=dict)


def _applicable(declared: Declared) -> Iterator[Problem]:
    """An operation that means nothing for its resource is refused by the broker, so it is said before."""
    for name, acl in declared.of("acl").items():
        if acl.operation != "ALL" and acl.operation not in _OPERATIONS[acl.type]:
            known = ", ".join(sorted(_OPERATIONS[acl.type]))
            file, where = declared.file("acl", name), f"acls: {acl.principal}, {acl.type} {acl.name}"
            yield Problem(file, where, f"a {acl.type} has no {acl.operation}", f"use {known}")


class Acls(Kind):
    name, section, patches = "acl", "acls", "Patches acls.json."
    rules = (_applicable,)
    delete_cost = "the principal loses this right, or this denial, at once"

    def _parsed(self, files: Files) -> tuple[Path, AclsFile | None]:
        file = files.folder / "acls.json"
        return file, files.parse(AclsFile, files.read(file, files.patch), file) if file.exists() else None

    def load(self, files: Files) -> Iterator[tuple[str, Acl, Path]]:
        file, parsed = self._parsed(files)
        for entry in parsed.acls.values() if parsed else ():
            for acl in entry.acls():
                yield acl.label, acl, file

    def complete(self, files: Files, declared: Declared) -> None:
        file, parsed = self._parsed(files)
        declared.derive = derive = parsed.derive if parsed else None
        if derive is None:
            return
        found = rights(declared, files.settings)
        roles = {right.role for right in found}
        for role in sorted({*derive.principals, *derive.without} - roles):
            files.problem(file, f"derive: {role}", "is no role of this topology", f"known: {', '.join(sorted(roles))}")
        for right in found:
            if right.role not in derive.without:
                acl = right.acl(derive.of(right.role))
                declared.of(self.name)[acl.label] = acl
                declared.files[self.name, acl.label] = file

    def dump(self, want: Acl) -> Any:
        return asdict(want)

    def restore(self, body: Any) -> Acl:
        return Acl(**body)

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        made = json_schema(AclsFile)
        one = made["$defs"]["AclEntry"]["properties"]["operations"]
        made["$defs"]["AclEntry"]["properties"]["operations"] = {
            "anyOf": [{"type": "array", "items": one["items"], "minItems": 1}, one["items"]],
            "description": one["description"],
        }
        return {"acls": made}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        if not wanted and not any(kind == self.name for kind, _ in memory.owned):
            return Live()
        found = read_acls(services.admin)
        if found is None and wanted:
            raise no_authorizer()
        return Live(found or {}, set(found or ()))

    def diff(self, services: Services, name: str, want: Acl, live: Live) -> Change | None:
        if name in live.found:
            return None
        fields = tuple(FieldChange(key, None, str(value)) for key, value in asdict(want).items())
        return Change(self.name, name, Action.CREATE, fields)

    def fingerprint(self, live: Live, name: str) -> Any:
        return name in live.names

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        admin, name = services.admin, change.name
        if change.action == Action.DELETE:
            acl = live.found[name]
            delete_acl(admin, acl)
            return Undo(f"grant again: {name}", lambda: create_acl(admin, acl))
        acl = declared.of(self.name)[name]
        create_acl(admin, acl)
        return Undo(f"take away again: {name}", lambda: delete_acl(admin, acl))

    def validate(self, services: Services, declared: Declared) -> Iterator[Problem]:
        if declared.of(self.name) and read_acls(services.admin) is None:
            error = no_authorizer()
            file = next((file for (kind, _), file in declared.files.items() if kind == self.name), None)
            yield Problem(file, "acls", error.why, error.fix)

    def export(self, services: Services, out: Exported) -> None:
        """Nothing where the brokers have no authorizer. Operations on the same resource share an entry."""
        entries: dict[str, dict[str, Any]] = {}
        for acl in sorted((read_acls(services.admin) or {}).values()):
            name = Acl(acl.principal, acl.permission, "…", acl.type, acl.name, acl.pattern, acl.host).label
            entry = {"principal": acl.principal, "host": acl.host, "operations": [], "permission": acl.permission,
                     "resource": {"type": acl.type, "name": acl.name, "pattern": acl.pattern}}  # fmt: skip
            entries.setdefault(name.replace(" … ", " "), entry)["operations"].append(acl.operation)
        if entries:
            (out.config / "acls.json").write_text(json.dumps({"acls": entries}, indent=2) + "\n", encoding="utf-8")
        out.counts[self.plural] = len(entries)


def derived_rows(declared: Declared, settings: Settings) -> list[dict[str, Any]]:
    """The least rights of every program, one row each, with the principals that acls.json names."""
    derive = declared.derive or Derive()
    return [
        {"role": one.role, "principal": derive.of(one.role), "operation": one.operation, "type": one.type,
         "name": one.name, "pattern": one.pattern, "for": one.why}
        for one in rights(declared, settings)
        if one.role not in derive.without
    ]  # fmt: skip


def no_authorizer() -> ServiceError:
    """Brokers that keep no ACLs."""
    fix = "set authorizer.class.name on every broker, or declare no ACLs for this cluster"
    return ServiceError("acls", "the brokers have no authorizer, so they keep no ACLs", fix)


def acl_rows(services: Services, declared: Declared) -> list[dict[str, Any]] | None:
    """One row an ACL, live or declared, and whether it is as declared; None where there is no authorizer and none is
    declared.

    Raises:
        ServiceError: ACLs are declared, and the brokers have no authorizer.
    """
    wanted, live = declared.of("acl"), read_acls(services.admin)
    if live is None:
        if wanted:
            raise no_authorizer()
        return None
    rows = []
    for acl in sorted({**live, **wanted}.values()):
        state = "missing" if acl.label not in live else "as declared" if acl.label in wanted else "not declared"
        rows.append({**asdict(acl), "state": state})
    return rows
