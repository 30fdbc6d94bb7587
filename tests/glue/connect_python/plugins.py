"""Plugins that tests load into hosts, some of them up to no good."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from glue.connect_python.gate import Gated
from glue.connect_python.sink import Partition, Report, Sink
from glue.errors import ConfigError, DataError, ServiceUnavailableError
from glue.transforms.contract import Predicate, Record, Transform, TransformConfig


class Identity(Transform[TransformConfig]):
    """Passes each record as it is."""

    def apply(self, record: Record) -> Record:
        return record


class Looking(Identity):
    """Looks at every second field, and says by a header that it did, so that the value comes back."""

    def looks_at(self, schema: dict[str, Any]) -> Collection[str]:
        return (
            [field["name"] for field in schema["fields"]][::2]
            if isinstance(schema, dict) and "fields" in schema
            else ()
        )

    def apply(self, record: Record) -> Record:
        record.headers.append(("seen", b"yes"))
        return record


class Counting(Transform[TransformConfig]):
    """Counts the records that it is shown, and tells the number to who asks "how many?"."""

    seen = 0

    def looks_at(self, schema: dict[str, Any]) -> Collection[str]:
        return ["text", "other"]

    def passes(self, schema: dict[str, Any]) -> Mapping[str, str | None]:
        return {"text": "[a-z]+", "other": None}

    def apply(self, record: Record) -> Record:
        assert record.value is not None
        if record.value["text"] == "how many?":
            record.value["text"] = str(self.seen)
        elif record.value["text"] == "change!":
            record.value["text"] = "[CHANGED]"
        else:
            self.seen += 1
        return record


class SelectConfig(TransformConfig):
    word: str = Field(description="What the text must hold.")


class Holds(Predicate[SelectConfig]):
    """True where the field `text` holds a word."""

    def test(self, record: Record) -> bool:
        return record.value is not None and self.config.word in record.value["text"]


class FaultyConfig(TransformConfig):
    times: int = Field(1_000_000, ge=1, description="How often a fault happens before it heals.")
    marks: str = Field(description="A folder to count in, as a lost process forgets.")


class Faulty(Transform[FaultyConfig]):
    """Does what the field `do` says: pass, drop, or one of the methods below."""

    def apply(self, record: Record) -> Record | None:
        assert record.value is not None
        what = record.value.get("do", "pass")
        if what in ("pass", "drop"):
            return None if what == "drop" else record
        if not self._once_more(f"{what}-{record.value.get('n', 0)}"):
            return record
        return getattr(self, f"_{what}")(record)  # type: ignore[no-any-return]

    def _once_more(self, what: str) -> bool:
        mark = Path(self.config.marks) / what
        with mark.open("ab") as file:
            file.write(b".")
        return mark.stat().st_size <= self.config.times

    def _raise(self, record: Record) -> Record:
        raise ValueError("a text that nobody foresaw")

    def _refuse(self, record: Record) -> Record:
        raise DataError("price", "it is below zero")

    def _retry(self, record: Record) -> Record:
        raise ServiceUnavailableError("the catalogue", "it does not answer")

    def _exit(self, record: Record) -> Record:
        sys.exit(3)

    def _crash(self, record: Record) -> Record:
        os.kill(os.getpid(), signal.SIGSEGV)
        return record

    def _kill(self, record: Record) -> Record:
        os.kill(os.getpid(), signal.SIGKILL)
        return record

    def _hang(self, record: Record) -> Record:
        time.sleep(3600)
        return record

    def _hang_in_c(self, record: Record) -> Record:
        re.fullmatch("(a|a)*b", "a" * 60)  # holds the interpreter's lock, for longer than anybody waits
        return record

    def _grow(self, record: Record) -> Record:
        hold = []
        while True:
            hold.append(bytearray(16 << 20))

    def _rename(self, record: Record) -> Record:
        record.topic = "renamed"
        record.key = "another"
        record.timestamp = 7
        record.headers.append(("note", "ভালো".encode()))
        return record

    def _tombstone(self, record: Record) -> Record:
        record.value = None
        return record


class FileConfig(TransformConfig):
    file: str = Field(description="The file that gets a line a record.")
    fail_on: str = Field("", description="The text of a record that ends the process.")
    secret_key: SecretStr | None = Field(None, description="Not to be seen anywhere.")
    level: int = Field(3, ge=1, le=9, description="A number.")


class FileSink(Sink[FileConfig]):
    """Buffers, and appends to a file when flushed, so that what is lost with the process can be seen."""

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        if self.config.file == "nowhere":
            raise ConfigError("file sink", "nowhere is no file", "name one")
        self._lines: list[str] = []

    def put(self, records: Sequence[Record], report: Report) -> None:
        for record in records:
            value: Any = record.value
            text = value.get("text", "") if isinstance(value, dict) else value
            if text == "refuse me":
                report(record, DataError("file sink", "it asked for it"))
                continue
            if self.config.fail_on and text == self.config.fail_on:
                ctypes.string_at(0)
            line = [record.topic, record.partition, record.offset, record.key, value, len(record.headers)]
            self._lines.append(json.dumps(line, default=str))

    def flush(self, offsets: Mapping[Partition, int]) -> None:
        with Path(self.config.file).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self._lines)
            file.flush()
            os.fsync(file.fileno())
        self._lines.clear()


class GatedFileSink(Gated[FileConfig], FileSink):
    """The same behind the privacy gate."""
