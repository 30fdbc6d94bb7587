"""Posts of canaries that stayed in Weaviate: of one that came late, or of a run that was cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from glue.audit.stores import open_targets
from glue.identity import CANARY, record_key
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.load import load

_OLD = timedelta(minutes=5)


def leftovers(settings: Settings) -> list[str]:
    """The record keys of canaries that were collected over five minutes ago, at most 100; younger ones may fly still.

    Raises:
        ServiceUnavailableError, ServiceError: Weaviate does not answer, or refuses.
    """
    deleting = [target for target in Pipeline.of(load(settings)).targets if target.deletes and target.vector]
    with open_targets(settings, deleting) as stores:
        old = datetime.now(UTC) - _OLD
        found = [one for held in stores for one in held.client.find(held.target, "hashtags", CANARY, old)]
    return [record_key(one["platform"], one["post_id"]) for one in found]
