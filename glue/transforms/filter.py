"""Filter: records leave the chain."""

from __future__ import annotations

from glue.transforms.contract import Record, Transform, TransformConfig


class FilterConfig(TransformConfig):
    """No settings."""


class Filter(Transform[FilterConfig]):
    """Drop every record; a predicate decides which ones it sees."""

    def apply(self, record: Record) -> None:
        return None
