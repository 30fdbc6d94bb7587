"""What belongs to the account and not to a database: roles, users, grants, and options of tables. Kept in SQLite."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from sandbox.snowflake.store import TableName

SYSTEM_ROLES = frozenset({"ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC"})
_TABLES = """
create table if not exists roles (name text primary key);
create table if not exists users (name text primary key, default_role text);
create table if not exists role_grants (
    role text, grantee_kind text, grantee text, primary key (role, grantee_kind, grantee));
create table if not exists grants (
    privilege text, kind text, object text, role text, primary key (privilege, kind, object, role));
create table if not exists evolving (object text primary key);
"""


class Account:
    """Roles, users, grants. Names are stored as Snowflake stores them (upper case unless quoted)."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def create_role(self, name: str) -> None:
        """Add a role; one that exists stays as it is."""
        self._run("insert or ignore into roles values (?)", name)

    def create_user(self, name: str, default_role: str | None) -> None:
        """Add a user; one that exists stays as he is."""
        self._run("insert or ignore into users values (?, ?)", name, default_role)

    def has_role(self, name: str) -> bool:
        """Whether a role exists."""
        return name in SYSTEM_ROLES or bool(self._run("select 1 from roles where name = ?", name))

    def default_role(self, user: str) -> str:
        """The role of a login that names none. A user whom no script created is the bootstrap administrator."""
        rows = self._run("select default_role from users where name = ?", user)
        return "ACCOUNTADMIN" if not rows else rows[0][0] or "PUBLIC"

    def may_use_role(self, user: str, role: str) -> bool:
        """Whether a login of this user with this role is accepted."""
        if not self._run("select 1 from users where name = ?", user):
            return self.has_role(role)
        return role == "PUBLIC" or bool(
            self._run("select 1 from role_grants where role=? and grantee_kind='USER' and grantee=?", role, user)
        )

    def grant_role(self, role: str, grantee_kind: str, grantee: str) -> None:
        """GRANT ROLE … TO USER|ROLE …."""
        self._run("insert or ignore into role_grants values (?, ?, ?)", role, grantee_kind, grantee)

    def grant(self, privilege: str, kind: str, name: str, role: str) -> None:
        """GRANT privilege ON kind name TO ROLE role."""
        self._run("insert or ignore into grants values (?, ?, ?, ?)", privilege, kind, name, role)

    def grants_on(self, kind: str, name: str) -> list[tuple[str, str]]:
        """(privilege, role) granted on an object."""
        rows = self._run("select privilege, role from grants where kind = ? and object = ? order by 2, 1", kind, name)
        return [(privilege, role) for privilege, role in rows]

    def may_insert(self, role: str, table: TableName) -> bool:
        """Whether a role may stream into a table: INSERT or OWNERSHIP on it."""
        held = {privilege for privilege, grantee in self.grants_on("TABLE", full_name(table)) if grantee == role}
        return role == "ACCOUNTADMIN" or bool(held & {"INSERT", "OWNERSHIP", "ALL"})

    def set_evolving(self, table: TableName, on: bool) -> None:
        """ENABLE_SCHEMA_EVOLUTION of a table."""
        if on:
            self._run("insert or ignore into evolving values (?)", full_name(table))
        else:
            self._run("delete from evolving where object = ?", full_name(table))

    def is_evolving(self, table: TableName) -> bool:
        """Whether the connector may add columns to a table."""
        return bool(self._run("select 1 from evolving where object = ?", full_name(table)))

    def forget(self, kind: str, name: str) -> None:
        """An object is gone: so are its grants and options."""
        self._run("delete from grants where kind = ? and object = ?", kind, name)
        self._run("delete from evolving where object = ?", name)

    def _run(self, sql: str, *parameters: str | None) -> list[tuple[str, ...]]:
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()


def full_name(table: TableName) -> str:
    """The name under which grants on a table are kept."""
    return f"{table.database}.{table.schema}.{table.table}"
