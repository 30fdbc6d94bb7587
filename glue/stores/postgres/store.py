"""PostgreSQL as a kind of store: tables by the JDBC sink's options, made by ``postgres/*.sql``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glue.settings import Settings
from glue.stores.contract import Target
from glue.stores.postgres.client import PostgresClient
from glue.stores.routing import connector_class, origin, routed
from glue.stores.sql import SqlClient, SqlStore, column_type, namespace, quoted

_TYPES = {
    "string": "text",
    "long": "bigint",
    "int": "integer",
    "double": "double precision",
    "float": "real",
    "boolean": "boolean",
    "bytes": "bytea",
    "timestamp-millis": "timestamptz",
    "date": "date",
}


class PostgresStore(SqlStore):
    """Tables and views, from ``connect-config/postgres/*.sql``; filled by Debezium's JDBC sink."""

    name = "postgres"
    title = "PostgreSQL"
    classes = frozenset({"io.debezium.connector.jdbc.JdbcSinkConnector"})
    keeps = (1, "the table's pages until VACUUM, and in the write-ahead log and its archive")
    package = "psycopg"
    extra = "postgres"
    folder = "postgres"
    unit = "scripts"

    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """By ``collection.name.format`` and the RegexRouter transforms.

        Source: Debezium 3.3, ``DefaultCollectionNamingStrategy``: what is a dot in a topic is ``_`` in a table.
        """
        form = config.get("collection.name.format", "${topic}")
        found = []
        for topic in topics:
            place = form.replace("${topic}", routed(topic, config).replace(".", "_"))
            found.append(
                Target(
                    connector,
                    connector_class(config),
                    topic,
                    place,
                    self.name,
                    f"{self.title} {place.rpartition('.')[2]}",
                    config.get("errors.deadletterqueue.topic.name", ""),
                    upserts=config.get("insert.mode", "insert") == "upsert",
                    deletes=config.get("delete.enabled", "false") == "true",
                    origin=origin(config),
                )
            )
        return found

    def known(self, settings: Settings) -> bool:
        """Whether an address is set."""
        return bool(settings.postgres)

    def add_columns(self, table: str, fields: Sequence[Mapping[str, Any]]) -> str:
        """The connector could add them itself; but a view, or a person, may ask for one before the first record."""
        columns = [
            "add column if not exists "
            + f"{quoted(field['name'])} {column_type(field['type'], _TYPES, 'numeric({precision},{scale})')}"
            for field in fields
        ]
        return f"alter table {quoted(table)}\n    " + ",\n    ".join(columns) + ";\n"

    def open(self, settings: Settings, targets: Iterable[Target] = ()) -> SqlClient:
        """With the connector's user."""
        self.check_installed()
        return PostgresClient(settings, namespace(targets))

    def admin(self, settings: Settings) -> SqlClient:
        """The same user."""
        return self.open(settings)

    def run(self, settings: Settings, scripts: Sequence[str]) -> int:
        """Each script is one transaction."""
        self.check_installed()
        with PostgresClient(settings) as client:
            for text in scripts:
                client.script(text)
        return len(scripts)

    def existing(self, client: SqlClient, names: Sequence[str]) -> set[str]:
        """By the information schema."""
        rows = client.query("select table_schema, table_name from information_schema.tables").rows
        return {f"{schema}.{table}".lower() for schema, table in rows}
