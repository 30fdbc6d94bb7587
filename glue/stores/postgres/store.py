"""PostgreSQL as a kind of store: tables by the JDBC sink's options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glue.stores.contract import Store, Target
from glue.stores.routing import connector_class, origin, routed


class PostgresStore(Store):
    """Tables and views, from ``connect-config/postgres/*.sql``; filled by Debezium's JDBC sink."""

    name = "postgres"
    title = "PostgreSQL"
    classes = frozenset({"io.debezium.connector.jdbc.JdbcSinkConnector"})
    package = "psycopg"

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
