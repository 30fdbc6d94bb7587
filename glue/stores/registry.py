"""The kinds of store there are. A new one is a module of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glue.stores.contract import Store, Target
from glue.stores.postgres.store import PostgresStore
from glue.stores.routing import connector_class, sink_topics
from glue.stores.snowflake.store import SnowflakeStore
from glue.stores.weaviate.store import WeaviateStore

STORES: dict[str, Store] = {store.name: store for store in (SnowflakeStore(), PostgresStore(), WeaviateStore())}


def store_for(config: Mapping[str, str]) -> Store | None:
    """The kind of store that a connector with this configuration fills; None if no kind here knows its class."""
    chosen = connector_class(config)
    return next((store for store in STORES.values() if chosen in store.classes), None)


def targets_of(name: str, config: Mapping[str, str], topics: Sequence[str] = ()) -> list[Target]:
    """Where a sink writes each of its topics to; nothing for a source, and for a sink whose store is not known.

    Args:
        name: of the connector.
        config: with its profile's values.
        topics: all that are declared, for a sink that names its topics by an expression.
    """
    store = store_for(config)
    return store.targets(name, config, sink_topics(config, topics)) if store else []
