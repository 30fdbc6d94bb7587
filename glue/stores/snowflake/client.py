"""Snowflake, or the local endpoint, through ``snowflake-connector-python`` with a key pair."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from glue.errors import ConfigError, ServiceError, ServiceUnavailableError
from glue.secrets import url_without_credentials
from glue.settings import Settings, get_settings, read_secret
from glue.stores.contract import Target
from glue.stores.rows import Rows
from glue.stores.sql import SqlClient

_LOGIN_SECONDS, _NETWORK_SECONDS = 30, 300
_SNOWFLAKE_DOMAIN = ".snowflakecomputing."


_OWNER = "SYSADMIN"  # Snowflake's own role, which the scripts create the tables as
# The connector's own column: where a row came from.
_ORIGIN = (
    "RECORD_METADATA:partition::int",
    "RECORD_METADATA:offset::int",
    "coalesce(RECORD_METADATA:CreateTime, RECORD_METADATA:LogAppendTime)::bigint",
)


class SnowflakeClient(SqlClient):
    """One connection, opened on first use. Not thread-safe; close it, or use it in a ``with`` block.

    Args:
        settings: ``warehouse*`` say where and who; defaults to those of this process.
        namespace: ``DATABASE.SCHEMA`` in which names without one are looked up.
    """

    def __init__(self, settings: Settings | None = None, namespace: str = "") -> None:
        self._settings, self._namespace = settings or get_settings(), namespace
        self._connection: Any = None

    def close(self) -> None:
        """Close the connection; a closed one opens again on use."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Run one statement.

        Args:
            sql: Snowflake SQL; ``%s`` stands for a parameter.
            parameters: values, quoted by the connector.

        Raises:
            ServiceUnavailableError: the warehouse did not answer.
            ServiceError: it refused; ``why`` is its own message.
        """
        from snowflake.connector import errors

        try:
            with self._connect().cursor() as cursor:
                cursor.execute(sql, tuple(parameters) or None)
                rows = cursor.fetchall()
                return Rows([column.name for column in cursor.description or []], [tuple(row) for row in rows])
        except errors.OperationalError as error:
            self.close()
            raise self._unavailable(error) from error
        except errors.Error as error:
            raise ServiceError("the warehouse refused the statement", _reason(error)) from error

    def changed(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement that changes rows as the owner of the tables: the connector's role may only add rows."""
        with SnowflakeClient(as_admin(self._settings, _OWNER), self._namespace) as owner:
            rows = owner.query(sql, parameters).rows
        return int(rows[0][0]) if rows else 0

    def origin(self, target: Target) -> tuple[str, str, str]:
        """The connector's ``RECORD_METADATA``."""
        return _ORIGIN

    def apply_ddl(self, scripts: Iterable[str]) -> int:
        """Run scripts of statements in order; they are written so that a second run changes nothing.

        Returns:
            how many statements ran.

        Raises:
            ServiceError: names the statement that was refused; those before it stay in effect.
        """
        done = 0
        for statement in split_statements(scripts):
            try:
                self.query(statement)
            except ServiceError as error:
                first_line = statement.strip().splitlines()[0][:100]
                raise ServiceError(f"statement {done + 1} ({first_line})", error.why, error.fix) from error
            done += 1
        return done

    def _connect(self) -> Any:
        if self._connection is None:
            import snowflake.connector
            from snowflake.connector import errors

            logging.getLogger("snowflake.connector").setLevel(logging.ERROR)
            try:
                self._connection = snowflake.connector.connect(**connection_options(self._settings, self._namespace))
            except errors.OperationalError as error:
                raise self._unavailable(error) from error
            except errors.Error as error:
                raise ServiceError(
                    "the warehouse refused the login",
                    _reason(error),
                    f"check that user {self._settings.warehouse_user} has this public key and this role",
                ) from error
        return self._connection

    def _unavailable(self, error: Exception) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"the warehouse at {url_without_credentials(self._settings.warehouse)} does not answer",
            _reason(error),
            "start the local one with `mxctl local up`, or set MXCTL_WAREHOUSE",
        )


def connection_options(settings: Settings, namespace: str = "") -> dict[str, Any]:
    """Arguments of ``snowflake.connector.connect`` for an account's URL or the local endpoint's.

    Raises:
        ConfigError: no URL, or no private key.
    """
    key = settings.warehouse_private_key_file
    if key is None or not key.is_file():
        raise ConfigError(
            "no private key for the warehouse",
            "no file is set" if key is None else f"{key.name} does not exist",
            "start the local stack, or set MXCTL_WAREHOUSE_PRIVATE_KEY_FILE to the user's PKCS#8 PEM",
        )
    url = urlsplit(settings.warehouse if "://" in settings.warehouse else f"https://{settings.warehouse}")
    if not url.hostname:
        raise ConfigError(
            "MXCTL_WAREHOUSE is not a URL", settings.warehouse, "e.g. https://ACCOUNT.snowflakecomputing.com"
        )
    account = url.hostname.partition(_SNOWFLAKE_DOMAIN)[0] if _SNOWFLAKE_DOMAIN in url.hostname else "local"
    options: dict[str, Any] = {
        "account": account,
        "protocol": url.scheme,
        "host": url.hostname,
        "port": url.port or (443 if url.scheme == "https" else 80),
        "user": settings.warehouse_user,
        "authenticator": "SNOWFLAKE_JWT",
        "private_key_file": str(key),
        "login_timeout": _LOGIN_SECONDS,
        "network_timeout": _NETWORK_SECONDS,
        "session_parameters": {"CLIENT_TELEMETRY_ENABLED": False, "TIMEZONE": "Etc/UTC"},
        # Else the connector asks cloud metadata addresses which platform it runs on.
        "platform_detection_timeout_seconds": 0,
    }
    if settings.warehouse_private_key_password_file is not None:
        options["private_key_file_pwd"] = read_secret(settings.warehouse_private_key_password_file)
    database, _, schema = namespace.partition(".")
    options |= {"database": database, "schema": schema} if database else {}
    return options | ({"role": settings.warehouse_role} if settings.warehouse_role else {})


def split_statements(scripts: Iterable[str]) -> list[str]:
    """The statements of SQL scripts, without comments and empty ones."""
    from snowflake.connector.util_text import split_statements as split

    found = (sql for script in scripts for sql, _ in split(io.StringIO(script), remove_comments=True) if sql)
    return [sql.strip().rstrip(";").strip() for sql in found if sql.strip().strip(";").strip()]


def apply_ddl(scripts: Iterable[str], settings: Settings | None = None) -> int:
    """Run scripts as ``warehouse_admin_user`` with his default role (scripts take the roles they need); idempotent."""
    with SnowflakeClient(as_admin(settings or get_settings())) as client:
        return client.apply_ddl(scripts)


def as_admin(settings: Settings, role: str = "") -> Settings:
    return settings.model_copy(
        update={
            "warehouse_user": settings.warehouse_admin_user,
            "warehouse_role": role,
            "warehouse_private_key_file": settings.warehouse_admin_private_key_file
            or settings.warehouse_private_key_file,
        }
    )


def _reason(error: Exception) -> str:
    """The warehouse's own words on one line, without its query id."""
    return " ".join(str(getattr(error, "raw_msg", None) or error).split())[:500]
