"""RegexRouter: a record goes to a topic named after its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from glue.errors import ConfigError
from glue.transforms.contract import Record, Transform, TransformConfig

_GROUP = re.compile(r"\$(\d+)")


class RegexRouterConfig(TransformConfig):
    regex: str = Field(description="Regular expression that the whole topic must match, or the record stays as it is.")
    replacement: str = Field(description="The new topic; $1 is the first group.")


class RegexRouter(Transform[RegexRouterConfig]):
    """Rename the topic of records whose topic matches. In the glue service the new topic takes output.topic's place."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        try:
            self._regex = re.compile(self.config.regex)
            self._template = _GROUP.sub(r"\\g<\1>", self.config.replacement.replace("\\", r"\\"))
            re.compile("|" + self.config.regex).sub(self._template, "")  # a group that is not there is found now
        except re.error as error:
            raise ConfigError("RegexRouter", str(error), "correct regex and replacement") from error

    def apply(self, record: Record) -> Record:
        match = self._regex.fullmatch(record.topic)
        if match:
            record.topic = match.expand(self._template)
        return record
