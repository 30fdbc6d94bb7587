"""Snowflake as a kind of store: tables by the connector's ``topic2table.map``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from glue.stores.contract import Store, Target
from glue.stores.routing import connector_class, listed, routed

_IDENTIFIER = re.compile(r"(?:[A-Za-z_][\w$]*\.){0,2}[A-Za-z_][\w$]*", re.ASCII)


class SnowflakeStore(Store):
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
    package = "snowflake.connector"

    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """By ``snowflake.topic2table.map``; a topic that is not in it has a table of its own name."""
        tables = {}
        for entry in listed(config.get("snowflake.topic2table.map", "")):
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


def _table(topic: str, tables: Mapping[str, str]) -> str:
    """The table of a topic.

    Source: the connector 2.5, ``Utils.tableName`` and ``Utils.generateValidName``: an entry of the map may be an
    expression; a topic that is no identifier has its other characters replaced and its hash appended.
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
