"""SQL of sessions: own statements first, then what fakesnow can do, and a loud refusal of anything else."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import snowflake.connector.errors
import sqlglot
from fakesnow.converter import from_binding
from fakesnow.rowtype import describe_as_rowtype
from fakesnow.statement_type import SHOW, statement_type_id
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sandbox.snowflake.account import Account, full_name
from sandbox.snowflake.results import Result, text_column
from sandbox.snowflake.sessions import Session
from sandbox.snowflake.statements import Statements
from sandbox.snowflake.store import Store, TableName
from sandbox.snowflake.wire import RefusedError

log = logging.getLogger(__name__)
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what we check ourselves

_READS = (exp.Query, exp.Show, exp.Describe)
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
_SESSION = (exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Set)
_ANSI = re.compile(r"\x1b\[\d+m")
_KINDS = frozenset({"TABLE", "VIEW", "SCHEMA", "DATABASE"})
# Options of CREATE that change nothing here, beside ENABLE_SCHEMA_EVOLUTION, which is kept.
_OPTIONS = frozenset({"ENABLE_SCHEMA_EVOLUTION", "DATA_RETENTION_TIME_IN_DAYS", "CHANGE_TRACKING"})


class Sql:
    """Runs statements for sessions."""

    def __init__(self, store: Store, account: Account) -> None:
        self._store, self._account = store, account
        self._own = Statements(store, account)

    def run(self, session: Session, sql: str, bindings: dict[str, Any], describe_only: bool = False) -> Result:
        """Execute one statement.

        Args:
            session: whose statement it is.
            sql: one statement in Snowflake's dialect.
            bindings: as sent: position from "1" -> ``{"type", "value"}``.
            describe_only: tell the result's columns without running a query.

        Raises:
            RefusedError: the statement is not known, or fails; the message says which and why.
        """
        binds = [_bound(bindings[position]) for position in sorted(bindings, key=int)]
        with session.lock:
            if not describe_only and (answer := self._own.answer(session, sql, binds)):
                log.info("answered by the endpoint itself: %s", _short(sql))
                return answer
            expression = _parse(sql)
            if describe_only:
                return self._describe(session, sql, expression)
            _check_known(expression, sql)
            if isinstance(expression, _READS):
                return self._read(session, sql, expression, binds)
            with self._store.write_lock:
                return self._change(session, sql, expression, binds)

    def _describe(self, session: Session, sql: str, expression: exp.Expression) -> Result:
        markers = len(list(expression.find_all(exp.Placeholder))) or sql.count("?")
        rowtype: list[dict[str, Any]] = [text_column("status")]
        if isinstance(expression, exp.Query):
            query = expression.copy()
            for marker in list(query.find_all(exp.Placeholder)):
                marker.replace(exp.Null())
            empty = exp.select("*").from_(query.subquery()).limit(0)
            rowtype = self._execute(session, empty.sql(dialect="snowflake"), []).rowtype
        return Result(rowtype, [], statement_type_id(expression), markers)

    def _read(self, session: Session, sql: str, expression: exp.Expression, binds: Sequence[Any]) -> Result:
        result = self._execute(session, sql, binds)
        result.statement_type = statement_type_id(expression)
        if result.statement_type == SHOW:
            self._fill_options(result)
        return result

    def _change(self, session: Session, sql: str, expression: exp.Expression, binds: Sequence[Any]) -> Result:
        if isinstance(expression, exp.Alter) and all(isinstance(a, exp.ColumnDef) for a in expression.args["actions"]):
            result = self._add_columns(session, expression, binds)
        else:
            existed = isinstance(expression, exp.Create) and self._exists(session, expression)
            result = self._execute(session, sql, binds)
            if isinstance(expression, exp.Create) and not existed:
                self._created(session, expression)
            if isinstance(expression, exp.Drop) and expression.args.get("kind") == "TABLE":
                self._account.forget("TABLE", full_name(_table_name(session, expression, binds)))
        if isinstance(expression, (exp.Create, exp.Drop, exp.Alter)):
            self._store.definitions_changed()
        result.statement_type = statement_type_id(expression)
        return result

    def _add_columns(self, session: Session, expression: exp.Alter, binds: Sequence[Any]) -> Result:
        """ADD COLUMN one by one and without comments, as DuckDB takes it; ``binds`` may name the table."""
        result = None
        for column in expression.args["actions"]:
            single = expression.copy()
            plain = column.copy()
            plain.set("constraints", [c for c in plain.args.get("constraints") or [] if not _is_comment(c)])
            single.set("actions", [plain])
            result = self._execute(session, single.sql(dialect="snowflake"), binds)
        assert result is not None  # noqa: S101 - a parsed ALTER has an action
        return result

    def _exists(self, session: Session, expression: exp.Create) -> bool:
        if expression.args["kind"] != "TABLE" or expression.args.get("replace"):
            return False
        try:
            self._store.columns(_table_name(session, expression, []))
        except KeyError:
            return False
        return True

    def _created(self, session: Session, expression: exp.Create) -> None:
        if expression.args["kind"] != "TABLE":
            return
        table = _table_name(session, expression, [])
        self._account.forget("TABLE", full_name(table))
        self._store.drop_channels(table)  # of the table that was replaced
        self._account.grant("OWNERSHIP", "TABLE", full_name(table), session.role)
        for option in expression.find_all(exp.Property):
            if option.name.upper() == "ENABLE_SCHEMA_EVOLUTION":
                self._account.set_evolving(table, option.args["value"].name.upper() in ("TRUE", ""))

    def _fill_options(self, result: Result) -> None:
        """SHOW TABLES tells which tables may be given new columns; the connector asks for it."""
        names = [column["name"] for column in result.rowtype]
        if "enable_schema_evolution" not in names or "kind" not in names:
            return
        at = {name: names.index(name) for name in ("database_name", "schema_name", "name", "enable_schema_evolution")}
        rows = [list(row) for row in result.rows]
        for row in rows:
            table = TableName(row[at["database_name"]], row[at["schema_name"]], row[at["name"]])
            row[at["enable_schema_evolution"]] = "Y" if self._account.is_evolving(table) else "N"
        result.rows = rows

    def _execute(self, session: Session, sql: str, binds: Sequence[Any]) -> Result:
        """Run a statement through fakesnow."""
        cursor = session.connection.cursor()
        try:
            cursor.execute(sql, binding_params=tuple(binds) or None, server=True)
            rowtype = describe_as_rowtype(cursor._describe_last_sql())
            return Result([dict(column) for column in rowtype], [tuple(row) for row in cursor.fetchall()])
        except snowflake.connector.errors.Error as error:
            code = f"{error.errno:06d}" if error.errno and error.errno > 0 else "001003"
            raise RefusedError(code, error.raw_msg or str(error), sql_state=error.sqlstate or "42000") from error
        except Exception as error:
            self._store.heal(error)
            # fakesnow and DuckDB raise their own kinds for what they cannot do; the client must hear of it.
            log.exception("failed: %s", _short(sql))
            why = f"The local endpoint cannot run this statement ({type(error).__name__}: {error})"
            raise RefusedError("000002", why, sql_state="0A000") from error


def _bound(binding: dict[str, Any]) -> Any:
    if isinstance(binding.get("value"), list):
        raise RefusedError("000002", "The local endpoint takes no array bindings; bind one row.", sql_state="0A000")
    return None if binding.get("value") is None else from_binding(binding)


def _parse(sql: str) -> exp.Expression:
    try:
        expression = sqlglot.parse_one(sql, read="snowflake")
    except SqlglotError as error:
        raise RefusedError(
            "001003", f"SQL compilation error: {_ANSI.sub('', str(error))}", sql_state="42000"
        ) from error
    assert isinstance(expression, exp.Expression)  # noqa: S101 - parse_one raises or returns one
    return expression


def _check_known(expression: exp.Expression, sql: str) -> None:
    kind = str(expression.args.get("kind") or "").upper()
    if isinstance(expression, (exp.Create, exp.Drop, exp.Alter)):
        unknown = [option.name for option in expression.find_all(exp.Property) if option.name.upper() not in _OPTIONS]
        if kind in _KINDS and not unknown:
            return
        what = f"{expression.key.upper()} {kind}" + (f" with {', '.join(unknown)}" if unknown else "")
        raise _unknown(what)
    if not isinstance(expression, (*_READS, *_WRITES, *_SESSION)):
        raise _unknown(_short(sql))


def _unknown(what: str) -> RefusedError:
    message = f"Unsupported feature: the local endpoint does not know this statement: {what}"
    return RefusedError("000002", message, sql_state="0A000")


def _table_name(session: Session, expression: exp.Expression, binds: Sequence[Any]) -> TableName:
    table = expression.find(exp.Table)
    assert table is not None  # noqa: S101 - asked only of statements about a table
    parts = [p.name if p.quoted else p.name.upper() for p in table.parts if isinstance(p, exp.Identifier)]
    if not parts and binds:  # identifier(?)
        parts = str(binds[0]).upper().split(".")
    current = [session.connection.database or "", session.connection.schema or ""]
    return TableName(*[*current[: 3 - len(parts)], *parts])


def _is_comment(constraint: exp.Expression) -> bool:
    return isinstance(constraint.args.get("kind"), exp.CommentColumnConstraint)


def _short(sql: str) -> str:
    return " ".join(sql.split())[:200]
