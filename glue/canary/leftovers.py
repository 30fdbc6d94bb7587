"""Posts of canaries that stayed in Weaviate: of one that came late, or of a run that was cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from glue.identity import CANARY, record_key
from glue.settings import Settings
from glue.stores.weaviate.client import Weaviate

_OLD = timedelta(minutes=5)


def leftovers(settings: Settings) -> list[str]:
    """The record keys of canaries that were collected over five minutes ago, at most 100; younger ones may fly still.

    Raises:
        ServiceUnavailableError, ServiceError: Weaviate does not answer, or refuses.
    """
    with Weaviate(settings) as weaviate:
        found = weaviate.tagged("SocialPost", CANARY, datetime.now(UTC) - _OLD)
    return [record_key(one["platform"], one["post_id"]) for one in found]
