"""PostgreSQL through psycopg, with the JDBC URL that the connector takes too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from glue.errors import ConfigError, MillionXError, ServiceError, ServiceUnavailableError
from glue.settings import Settings, read_secret
from glue.stores.contract import Target
from glue.stores.rows import Rows
from glue.stores.sql import SqlClient, quoted

_PREFIX = "jdbc:postgresql:"
_SECONDS = 10
# The JDBC driver's names of what libpq has under another name. What else is the same in both passes through as it is.
_RENAMED = {
    "ApplicationName": "application_name",
    "loginTimeout": "connect_timeout",
    "connectTimeout": "connect_timeout",
    "channelBinding": "channel_binding",
    "gssEncMode": "gssencmode",
}
_SERVERS = {
    "any": "any",
    "primary": "primary",
    "master": "primary",
    "secondary": "standby",
    "slave": "standby",
    "preferSecondary": "prefer-standby",
    "preferSlave": "prefer-standby",
}
_NO_CHECK = "org.postgresql.ssl.NonValidatingFactory"
_AWAY = ("08", "57P", "53")  # connection, operator intervention, insufficient resources


class PostgresClient(SqlClient):
    """One connection, opened on first use; each statement is a transaction of its own. Close it, or use ``with``.

    Args:
        settings: ``postgres*`` say where and who.
        namespace: the schema in which names without one are looked up.
    """

    def __init__(self, settings: Settings, namespace: str = "") -> None:
        self._settings, self._namespace = settings, namespace
        self._connection: Any = None

    def close(self) -> None:
        """Close the connection; a closed one opens again on use."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement, or a script of several if there are no parameters; the rows of the first with any."""
        cursor = self._execute(sql, parameters)
        if cursor.description is None:
            return Rows([], [])
        return Rows([column.name for column in cursor.description], [tuple(row) for row in cursor.fetchall()])

    def changed(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run one statement that changes rows."""
        return int(self._execute(sql, parameters).rowcount)

    def origin(self, target: Target) -> tuple[str, str, str]:
        """The columns that the connector's InsertField transforms fill."""
        partition, offset, time = (quoted(name) if name else "" for name in target.origin)
        return partition, offset, f"floor(extract(epoch from {time}) * 1000)::bigint" if time else ""

    def script(self, text: str) -> None:
        """Run a script of statements as one transaction."""
        self._execute(text, ())

    def _execute(self, sql: str, parameters: Sequence[Any]) -> Any:
        import psycopg

        try:
            connection = self._connected()
            return connection.execute(sql, tuple(parameters) or None)
        except psycopg.Error as error:
            code = error.sqlstate or ""
            if code.startswith(_AWAY) or (not code and isinstance(error, psycopg.OperationalError)):
                self.close()
                raise self._unavailable(error) from error
            raise ServiceError("PostgreSQL refused the statement", _reason(error)) from error

    def _connected(self) -> Any:
        if self._connection is None or self._connection.closed:
            import psycopg

            options = connection_options(self._settings)
            try:
                self._connection = psycopg.connect(**options, autocommit=True)
                self._connection.execute("set time zone 'UTC'")
                if self._namespace:
                    path = f"{quoted(self._namespace)}, public"
                    self._connection.execute("select set_config('search_path', %s, false)", [path])
            except psycopg.OperationalError as error:
                raise self._unavailable(error) from error
        return self._connection

    def _unavailable(self, error: Exception) -> MillionXError:
        reason = _reason(error)
        if any(word in reason for word in ("authentication failed", "no password", "does not exist")):
            return ServiceError(
                "PostgreSQL refused the login", reason, "check MXCTL_POSTGRES_USER and MXCTL_POSTGRES_PASSWORD"
            )
        where = self._settings.postgres.partition("?")[0]
        return ServiceUnavailableError(f"PostgreSQL at {where}", reason, "start it, or set MXCTL_POSTGRES")


def connection_options(settings: Settings) -> dict[str, Any]:
    """What ``psycopg.connect`` takes, of a JDBC URL with one host or several; its TLS parameters are kept.

    ``ssl=true`` alone means ``verify-full``, as in the driver. What only the driver knows is passed over, but not if it
    is about TLS.

    Raises:
        ConfigError: it is not such a URL, or has a TLS parameter that this client cannot honour.
    """
    url = settings.postgres
    if not url.startswith(_PREFIX):
        fix = "e.g. jdbc:postgresql://127.0.0.1:5432/millionx"
        raise ConfigError(
            "MXCTL_POSTGRES is not a JDBC URL of PostgreSQL",
            f"it must begin with {_PREFIX}" if url else "no address is set",
            fix,
        )
    address, _, query = url.removeprefix(_PREFIX).partition("?")
    hosts, _, database = address.removeprefix("//").partition("/") if address.startswith("//") else ("", "", address)
    file = settings.postgres_password_file
    options: dict[str, Any] = {
        "user": settings.postgres_user,
        "password": read_secret(file) if file else settings.postgres_password.get_secret_value(),
        "dbname": unquote(database) or settings.postgres_user,
        "connect_timeout": _SECONDS,
        "application_name": "mxctl",
        **_addresses(hosts),
    }
    given = dict(parse_qsl(query, keep_blank_values=True))
    options.update(_tls(given))
    options.update(_others(given))
    return options


def _addresses(hosts: str) -> dict[str, str]:
    parts = []
    for one in hosts.split(","):
        host, _, port = one.rpartition(":") if not one.endswith("]") and ":" in one else (one, "", "")
        parts.append((host.strip("[]") or "localhost", port or "5432"))
    return {"host": ",".join(host for host, _ in parts), "port": ",".join(port for _, port in parts)}


def _tls(given: dict[str, str]) -> dict[str, str]:
    found = {name: given.pop(name) for name in [n for n in given if n.lower().startswith("ssl")]}
    wanted = found.pop("ssl", "false").lower() in ("true", "")
    factory = found.pop("sslfactory", "")
    if factory and factory not in (_NO_CHECK, "org.postgresql.ssl.LibPQFactory"):
        raise ConfigError("MXCTL_POSTGRES", f"sslfactory {factory} exists in Java only", "use sslmode and sslrootcert")
    if factory == _NO_CHECK:
        found.setdefault("sslmode", "require")
    elif wanted:
        found.setdefault("sslmode", "verify-full")
    unknown = found.keys() - _libpq()
    if unknown:
        why = f"{', '.join(sorted(unknown))} is about TLS and not known to libpq"
        raise ConfigError("MXCTL_POSTGRES", why, "use sslmode, sslrootcert, sslcert, sslkey, sslpassword")
    return found


def _others(given: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        if name == "currentSchema":
            found["options"] = f"-c search_path={value.replace(' ', '')}"
        elif name == "targetServerType":
            found["target_session_attrs"] = _SERVERS.get(value, "any")
        elif (known := _RENAMED.get(name, name)) in _libpq():
            found[known] = value
    return found


def _libpq() -> set[str]:
    from psycopg.pq import Conninfo

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _reason(error: Exception) -> str:
    """The server's own words on one line, without the values that they quote in their detail."""
    diagnosis = getattr(getattr(error, "diag", None), "message_primary", None)
    return " ".join(str(diagnosis or error).split())[:500]
