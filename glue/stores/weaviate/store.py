"""Weaviate as a kind of store: collections by the sink's ``collection.mapping``, made as ``weaviate/*.json`` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from glue.settings import Settings
from glue.stores.contract import Schemas, Store, Target
from glue.stores.routing import connector_class, routed
from glue.stores.weaviate import schema
from glue.stores.weaviate.client import WeaviateStoreClient


class WeaviateStore(Store):
    """Collections, from ``connect-config/weaviate/*.json``; filled by Weaviate's own sink or by this project's."""

    name = "weaviate"
    title = "Weaviate"
    classes = frozenset(
        {
            "io.weaviate.connector.WeaviateSinkConnector",
            "glue.connect_python.sinks.weaviate:WeaviateSink",
            "glue.connect_python.sinks.weaviate:GatedWeaviateSink",
        }
    )
    keeps = (1, "segments and the vector index's log until they are compacted")
    package = extra = ""  # nothing beside the standard library

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
                    vector=config.get("vector.field.name", "vector") if _has_vectors(config) else "",
                )
            )
        return found

    def known(self, settings: Settings) -> bool:
        """Whether collections are declared."""
        return any((settings.config_dir / "weaviate").glob("*.json"))

    def pending(self, settings: Settings, schemas: Schemas, applied: str | None) -> list[str]:
        """What the collections lack."""
        return schema.apply(settings, dry_run=True)

    def ensure(self, settings: Settings, schemas: Schemas) -> None:
        """Create collections, and add what they lack."""
        schema.apply(settings)

    def open(self, settings: Settings, targets: Iterable[Target] = ()) -> WeaviateStoreClient:
        """By REST."""
        return WeaviateStoreClient(settings)


def _has_vectors(config: Mapping[str, str]) -> bool:
    return config.get("vector.strategy", "").rpartition(".")[2].lower().startswith("field")
