"""Plugins for ``bench_bridge.py``: what the bridge costs when Python does nothing, and a sink that only counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from glue.connect_python.gate import Gated
from glue.connect_python.sink import Report, Sink
from glue.transforms.contract import Record, Transform, TransformConfig
from glue.transforms.scrub import ScrubPII


class Identity(Transform[TransformConfig]):
    """Passes each record as it is."""

    def apply(self, record: Record) -> Record:
        return record


class Looking(Identity):
    """The same, and says that it looks at a post's texts, as ScrubPII does."""

    def looks_at(self, schema: dict[str, Any]) -> Collection[str]:
        return "post_id", "platform", "content", "author_username", "hashtags"


class Shown(ScrubPII):
    """The privacy gate, to which each record is shown."""

    def passes(self, schema: dict[str, Any]) -> None:
        return None


class Discard(Sink[TransformConfig]):
    """Takes each record and forgets it."""

    def put(self, records: Sequence[Record], report: Report) -> None:
        return None


class GatedDiscard(Gated[TransformConfig], Discard):
    """The same behind the privacy gate."""
