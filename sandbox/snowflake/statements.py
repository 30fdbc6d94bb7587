"""Statements that the endpoint answers by itself, because fakesnow has no roles, users, grants or table options.

They are those of this project's warehouse script and of the official connector; anything else that DuckDB cannot do
is refused. What a statement only records (and does not enforce) is said in README.md.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.snowflake.account import Account, full_name
from sandbox.snowflake.results import Result, done, text_result
from sandbox.snowflake.sessions import Session
from sandbox.snowflake.store import Store, TableName
from sandbox.snowflake.wire import RefusedError

log = logging.getLogger(__name__)
_NAME = r'(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")'
_FULL_NAME = rf"{_NAME}(?:\.{_NAME}){{0,2}}"
Handler = Callable[["Statements", Session, re.Match[str], Sequence[Any]], Result]
_HANDLERS: list[tuple[re.Pattern[str], Handler]] = []


def _statement(pattern: str) -> Callable[[Handler], Handler]:
    """Register a handler; blanks in the pattern stand for any white space, NAME and FULL for identifiers."""
    spaced = (
        pattern.replace("FULL", f"({_FULL_NAME})")
        .replace("NAME", f"({_NAME})")
        .replace(" = ", r"\s*=\s*")
        .replace(" ", r"\s+")
    )

    def register(handler: Handler) -> Handler:
        _HANDLERS.append((re.compile(rf"\s*{spaced}\s*;?\s*", re.IGNORECASE | re.DOTALL), handler))
        return handler

    return register


class Statements:
    """Answers the statements it knows; :meth:`answer` returns None for any other."""

    def __init__(self, store: Store, account: Account) -> None:
        self.store, self.account = store, account

    def answer(self, session: Session, sql: str, binds: Sequence[Any]) -> Result | None:
        """The result of a statement of this module, or None.

        Raises:
            RefusedError: the statement names a role, user or table that does not exist.
        """
        for pattern, handler in _HANDLERS:
            if match := pattern.fullmatch(sql):
                return handler(self, session, match, binds)
        return None

    def table(self, session: Session, name: str) -> TableName:
        """A table's full name in a session.

        Raises:
            RefusedError: 002003, it does not exist.
        """
        parts = [stored_name(part) for part in re.findall(_NAME, name)]
        missing = 3 - len(parts)
        current = [session.connection.database or "", session.connection.schema or ""]
        table = TableName(*([*current[:missing], *parts]))
        try:
            self.store.columns(table)
        except KeyError as error:
            message = f"SQL compilation error:\nTable '{full_name(table)}' does not exist or not authorized."
            raise RefusedError("002003", message, sql_state="42S02") from error
        return table


def stored_name(name: str) -> str:
    """An identifier as Snowflake stores it: upper case, unless quoted."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.upper()


@_statement(r"create role if not exists NAME(?: comment = '[^']*')?")
def _create_role(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    self.account.create_role(stored_name(match[1]))
    return done(f"Role {stored_name(match[1])} successfully created.")


@_statement(r"create user if not exists NAME((?: \w+ = (?:'[^']*'|[\w.]+))*)")
def _create_user(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    role = re.search(r"default_role\s*=\s*'?([\w]+)", match[2], re.IGNORECASE)
    self.account.create_user(stored_name(match[1]), stored_name(role[1]) if role else None)
    log.info("user %s recorded; his key is the one the endpoint was started with", stored_name(match[1]))
    return done(f"User {stored_name(match[1])} successfully created.")


@_statement(r"create warehouse if not exists NAME((?: \w+ = \w+)*)")
def _create_warehouse(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    log.info("CREATE WAREHOUSE %s: nothing to do, the endpoint has no warehouses", stored_name(match[1]))
    return done(f"Warehouse {stored_name(match[1])} successfully created.")


@_statement(r"alter user NAME set rsa_public_key = '[^']*'")
def _set_key(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    log.info("key of user %s not changed: the endpoint knows the one it was started with", stored_name(match[1]))
    return done()


@_statement(r"grant role NAME to (user|role) NAME")
def _grant_role(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    role = _known_role(self, match[1])
    self.account.grant_role(role, match[2].upper(), stored_name(match[3]))
    return done()


@_statement(
    r"grant ([a-z, ]+?) on (database|schema|table|view|warehouse|future (?:tables|views) in schema) FULL"
    r" to role NAME"
)
def _grant(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    role, kind = _known_role(self, match[4]), " ".join(match[2].upper().split())
    if kind == "TABLE":
        name = full_name(self.table(session, match[3]))
    else:
        name = ".".join(stored_name(part) for part in re.findall(_NAME, match[3]))
    for privilege in match[1].upper().split(","):
        self.account.grant(" ".join(privilege.split()), kind, name, role)
    return done()


@_statement(r"use role NAME")
def _use_role(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    role = _known_role(self, match[1])
    if not self.account.may_use_role(session.user, role):
        raise RefusedError(
            "003013", f"Requested role '{role}' is not assigned to the executing user.", sql_state="42501"
        )
    session.role = role
    return done()


@_statement(r"select current_(role|user)\(\)")
def _current(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    name = match[1].upper()
    return text_result([f"CURRENT_{name}()"], [[session.role if name == "ROLE" else session.user]])


@_statement(r"use warehouse NAME")
def _use_warehouse(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    log.info("USE WAREHOUSE %s: nothing to do, the endpoint has no warehouses", stored_name(match[1]))
    return done()


@_statement(r"show grants on table identifier\(\?\)")
def _show_grants_bound(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    return _grants(self, self.table(session, str(binds[0])))


@_statement(r"show grants on table FULL")
def _show_grants(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    return _grants(self, self.table(session, match[1]))


@_statement(r"alter table identifier\(\?\) set enable_schema_evolution = (true|false)")
def _set_evolution_bound(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    self.account.set_evolving(self.table(session, str(binds[0])), match[1].lower() == "true")
    return done()


@_statement(r"alter table FULL set enable_schema_evolution = (true|false)")
def _set_evolution(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    self.account.set_evolving(self.table(session, match[1]), match[2].lower() == "true")
    return done()


@_statement(r"alter table (?:identifier\(\?\)|FULL) alter (NAME (?:drop not null|comment '[^']*')(?:,.*)?)")
def _drop_not_null(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    # The connector's statement for a null in a column that is NOT NULL; its comments are not kept.
    table = self.table(session, match[1] or str(binds[0]))
    for change in re.split(r",\s*(?=(?:[^']*'[^']*')*[^']*$)", match[2]):
        part = re.fullmatch(rf"\s*({_NAME})\s+(drop\s+not\s+null|comment\s+'[^']*')\s*", change, re.IGNORECASE)
        if part is None:
            raise RefusedError("000002", f"The local endpoint does not know this change of a column: {change}")
        if part[2].lower().startswith("drop"):
            self.store.drop_not_null(table, stored_name(part[1]))
    return done()


@_statement(r"select system\$snowpipe_streaming_migrate_channel_offset_token\(.*\)(?: as \w+)?")
def _migrate_offsets(self: Statements, session: Session, match: re.Match[str], binds: Sequence[Any]) -> Result:
    # The connector asks at start to take over offsets of its 2.0 channel names; there never were any here.
    answer = {"responseCode": 51, "responseMessage": "Source Channel does not exist for Offset Migration"}
    return text_result(["RESULT"], [[json.dumps(answer)]])


def _known_role(self: Statements, name: str) -> str:
    role = stored_name(name)
    if not self.account.has_role(role):
        raise RefusedError("002003", f"Role '{role}' does not exist or not authorized.", sql_state="02000")
    return role


def _grants(self: Statements, table: TableName) -> Result:
    columns = ["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option"]
    rows = [
        ["0", privilege, "TABLE", full_name(table), "ROLE", role, "false"]
        for privilege, role in self.account.grants_on("TABLE", full_name(table))
    ]
    return text_result([*columns, "granted_by"], [[*row, "SECURITYADMIN"] for row in rows])
