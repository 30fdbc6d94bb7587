"""What is checked without a cluster: every rule looks at the whole declared state and yields problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from glue.topology.model import Declared, Problem
from glue.topology.rules import chains, dead_letters, embedding, names, privacy, routes, secrets

# Rules across kinds; those about one kind are registered by it.
RULES: tuple[Callable[[Declared], Iterator[Problem]], ...] = (
    names.source_topics,
    chains.transform_keys,
    chains.decrypt_first,
    dead_letters.missing,
    dead_letters.unread,
    privacy.sinks,
    privacy.gates,
    embedding.models,
    secrets.literal,
    secrets.references,
    routes.unread,
    routes.unknown_store,
    routes.same_merchant,
)
# What would let personal data or a secret out: asked of whatever is applied, an earlier state too.
SAFETY = (privacy.sinks, privacy.gates, secrets.literal)
