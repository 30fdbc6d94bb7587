"""InsertHeader and DropHeaders: what stands in a record's headers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from glue.transforms.contract import Record, Transform, TransformConfig


class InsertHeaderConfig(TransformConfig):
    header: str = Field(min_length=1, description="Name of the header.")
    value_literal: str = Field(description="Its text.")


class InsertHeader(Transform[InsertHeaderConfig]):
    """Add a header with a fixed text to each record.

    The glue service lets only headers pass that ``headers.pass`` names, and those that start with ``millionx.``.
    """

    def apply(self, record: Record) -> Record:
        record.headers.append((self.config.header, self.config.value_literal.encode()))
        return record


class DropHeadersConfig(TransformConfig):
    headers: list[str] = Field(min_length=1, description="Names of the headers.")


class DropHeaders(Transform[DropHeadersConfig]):
    """Remove every header of the given names."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        self._dropped = frozenset(self.config.headers)

    def apply(self, record: Record) -> Record:
        if record.headers:
            record.headers = [header for header in record.headers if header[0] not in self._dropped]
        return record
