"""Routes that end too early: a topic that is written and never read, a sink whose store nobody here can look into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glue.pipeline.routes import Pipeline
from glue.stores.registry import STORES, store_for
from glue.topology.model import Declared, Problem

_MEANT = "mxctl.store"


def unread(declared: Declared) -> Iterator[Problem]:
    """A source or a chain that writes a topic which no chain and no sink reads.

    A warning: the records are kept as long as the topic keeps them, and another program may read them. A topic that
    keeps the last record of each key for ever is a table for whoever looks up, and no way to a store.
    """
    pipeline = Pipeline.of(declared)
    fix = "name the topic in a chain or in a sink"
    message = "no chain and no sink reads {}, so its records reach no store"
    for source in pipeline.sources.values():
        for topic in source.writes:
            table = topic in declared.topics and declared.topics[topic].config.get("cleanup.policy") == "compact"
            if topic in declared.topics and not table and not pipeline.readers(topic):
                yield Problem(None, f"sources/{source.name}.json: topic", message.format(topic), fix, warning=True)
    for chain in pipeline.chains.values():
        for topic in chain.writes:
            if topic in declared.topics and not pipeline.readers(topic):
                file = declared.file("chain", chain.name)
                yield Problem(file, "config.output.topic", message.format(topic), fix, warning=True)


def same_merchant(declared: Declared) -> Iterator[Problem]:
    """Two sources of one class that name one merchant, as a copied file does: one shop's orders would be another's.

    Only names that are written out are compared; what a reference stands for is not known here.
    """
    named: dict[tuple[str, str], str] = {}
    for name, body in sorted(declared.sources.items()):
        merchant = (body.get("options") or {}).get("merchant_id") if isinstance(body, Mapping) else None
        if not isinstance(merchant, str) or not merchant or "${" in merchant:
            continue
        other = named.setdefault((str(body.get("class")), merchant), name)
        if other != name:
            message = f"{merchant} is also the merchant of {other}: what either reads would be stored as one shop's"
            fix = "give each shop a source of its own, and each source the merchant_id of its shop"
            yield Problem(None, f"sources/{name}.json: options.merchant_id", message, fix)


def unknown_store(declared: Declared) -> Iterator[Problem]:
    """A sink of a class that belongs to no kind of store.

    A warning, because such a sink works: a file or an HTTP sink of a user's own is not a mistake. But nobody notices
    what it loses. The connector's file can say that it is intended; Connect ignores the key.
    """
    for connector in Pipeline.of(declared).connectors.values():
        config = declared.connectors[connector.name].config
        if connector.sink and config.get("connector.class") and config.get(_MEANT) != "none" and not store_for(config):
            known = ", ".join(sorted(name for store in STORES.values() for name in store.classes))
            yield Problem(
                declared.file("connector", connector.name),
                "config.connector.class",
                "belongs to no known kind of store: graph shows no store behind it, audit and canary do not look there",
                f'if that is meant, "{_MEANT}": "none"; else use one of {known}, or add a kind to glue/stores',
                warning=True,
            )
