"""Snowflake as a kind of store: tables by the connector's ``topic2table.map``, made by ``warehouse/*.sql``."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from glue.errors import ConfigError, ServiceError
from glue.settings import Settings
from glue.stores.contract import Schemas, Target
from glue.stores.routing import connector_class, routed
from glue.stores.snowflake.client import SnowflakeClient, apply_ddl, as_admin
from glue.stores.sql import SqlClient, SqlStore, column_type, namespace
from glue.times import split_list

PLACEHOLDER = "&public_key"
_TYPES = {
    "string": "VARCHAR",
    "long": "NUMBER(19,0)",
    "int": "NUMBER(10,0)",
    "double": "FLOAT",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "bytes": "BINARY",
    "timestamp-millis": "TIMESTAMP_TZ",
    "date": "DATE",
}

_IDENTIFIER = re.compile(r"(?:[A-Za-z_][\w$]*\.){0,2}[A-Za-z_][\w$]*", re.ASCII)


class SnowflakeStore(SqlStore):
    """Database, tables, views and roles, from ``connect-config/warehouse/*.sql``.

    Left out where no administrator's key is configured: in production a person runs the reviewed script. The local
    endpoint takes the connector's key for it.
    """

    name = "snowflake"
    title = "Snowflake"
    classes = frozenset(
        {
            "com.snowflake.kafka.connector.SnowflakeSinkConnector",
            "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector",
        }
    )
    keeps = (
        8,
        "Time Travel (one day, unless the table keeps more) and Fail-safe (seven days, which nobody can shorten)",
    )
    package = "snowflake.connector"
    extra = "warehouse"
    folder = "warehouse"

    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """By ``snowflake.topic2table.map``; a topic that is not in it has a table of its own name."""
        tables = {}
        for entry in split_list(config.get("snowflake.topic2table.map", "")):
            topic, _, table = entry.rpartition(":")
            tables[topic.strip()] = table.strip()
        schema = f"{config.get('snowflake.database.name', '')}.{config.get('snowflake.schema.name', '')}"
        found = []
        for topic in topics:
            table = _table(routed(topic, config), tables)
            found.append(
                Target(
                    connector,
                    connector_class(config),
                    topic,
                    f"{schema}.{table}",
                    self.name,
                    f"{self.title} {table}",
                    config.get("errors.deadletterqueue.topic.name", ""),
                    upserts=False,
                )
            )
        return found

    def known(self, settings: Settings) -> bool:
        """Whether there is a key of the administrator's."""
        key = settings.warehouse_admin_private_key_file
        if key is None and settings.warehouse.startswith("http://"):
            key = settings.warehouse_private_key_file
        return key is not None and key.is_file()

    def scripts(self, settings: Settings, schemas: Schemas) -> list[str]:
        """With the public key filled in; the placeholder stays where no private key is configured.

        Raises:
            ConfigError: there are no scripts, or the private key file holds no unencrypted PEM key.
        """
        key = settings.warehouse_private_key_file
        public = public_key(key) if key and key.is_file() else PLACEHOLDER
        return [text.replace(PLACEHOLDER, public) for text in super().scripts(settings, schemas)]

    def add_columns(self, table: str, fields: Sequence[Mapping[str, Any]]) -> str:
        """The connector could add them itself, but 2.5.0 may lose the row that makes it do so (its pull request 1092
        tells of the race). So a new field gets its column first, then the connector is restarted, then the new schema
        is used."""
        columns = [
            f"IF NOT EXISTS {field['name'].upper()} {column_type(field['type'], _TYPES, 'NUMBER({precision},{scale})')}"
            for field in fields
        ]
        return f"ALTER TABLE {table} ADD COLUMN\n    " + ",\n    ".join(columns) + ";\n"

    def open(self, settings: Settings, targets: Iterable[Target] = ()) -> SqlClient:
        """With the connector's user and role."""
        self.check_installed()
        return SnowflakeClient(settings, namespace(targets))

    def admin(self, settings: Settings) -> SqlClient:
        """With the administrator's user and his default role."""
        self.check_installed()
        return SnowflakeClient(as_admin(settings))

    def run(self, settings: Settings, scripts: Sequence[str]) -> int:
        """As the administrator, statement by statement."""
        self.check_installed()
        return apply_ddl(scripts, settings)

    def existing(self, client: SqlClient, names: Sequence[str]) -> set[str]:
        """By each database's information schema; a database that does not exist holds nothing."""
        found: set[str] = set()
        for database in sorted({name.partition(".")[0] for name in names}):
            for kind in ("tables", "views"):
                sql = f"SELECT table_schema, table_name FROM {database}.information_schema.{kind}"  # noqa: S608 - ours
                try:
                    rows = client.query(sql).rows
                except ServiceError:  # no such database yet
                    break
                found |= {f"{database}.{row[0]}.{row[1]}".lower() for row in rows}
        return found


def _table(topic: str, tables: Mapping[str, str]) -> str:
    """The table of a topic.

    Source: the connector 2.5, ``Utils.tableName`` and ``Utils.generateValidName``: an entry of the map may be an
    expression; a topic that is not an identifier has its other characters replaced and its hash appended.
    """
    if topic in tables:
        return tables[topic]
    for pattern, table in tables.items():
        try:
            if re.fullmatch(pattern, topic):
                return table
        except re.error:
            continue
    if _IDENTIFIER.fullmatch(topic):
        return topic.upper()
    plain = re.sub(r"[^A-Za-z0-9_$]", "_", topic)
    return f"{plain if re.match('[A-Za-z_]', plain) else '_' + plain}_{_java_hash(topic)}".upper()


def _java_hash(text: str) -> int:
    """The absolute value of Java's ``String.hashCode``."""
    value, units = 0, text.encode("utf-16-be")
    for at in range(0, len(units), 2):
        value = (31 * value + int.from_bytes(units[at : at + 2], "big")) & 0xFFFFFFFF
    return abs(value - (1 << 32) if value >= 1 << 31 else value)


def public_key(private_key_file: Path) -> str:
    """The public half of a private key as ``RSA_PUBLIC_KEY`` takes it: base64 of its DER, on one line.

    Raises:
        ConfigError: the file holds no unencrypted PEM key.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(private_key_file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{private_key_file.name} is not a private key",
            "not an unencrypted PEM",
            "make one with `openssl genrsa 2048`",
        ) from error
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()
