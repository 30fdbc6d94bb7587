"""Weaviate as a kind of store: collections by the sink's ``collection.mapping``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glue.stores.contract import Store, Target
from glue.stores.routing import connector_class, routed


class WeaviateStore(Store):
    """Collections, from ``connect-config/weaviate/*.json``; filled by Weaviate's own sink or by this project's."""

    name = "weaviate"
    title = "Weaviate"
    classes = frozenset(
        {"io.weaviate.connector.WeaviateSinkConnector", "glue.connect_python.sinks.weaviate:WeaviateSink"}
    )
    package = "weaviate"

    def targets(self, connector: str, config: Mapping[str, str], topics: Sequence[str]) -> list[Target]:
        """By ``collection.mapping``, in which ``${topic}`` stands for the topic; the first letter becomes a capital."""
        found = []
        for topic in topics:
            place = config.get("collection.mapping", "${topic}").replace("${topic}", routed(topic, config))
            place = place[:1].upper() + place[1:]
            found.append(
                Target(
                    connector,
                    connector_class(config),
                    topic,
                    place,
                    self.name,
                    f"{self.title} {place}",
                    config.get("errors.deadletterqueue.topic.name", ""),
                    deletes=config.get("delete.enabled", "false") == "true",
                )
            )
        return found
