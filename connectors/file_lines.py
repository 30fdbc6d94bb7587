"""The records of a file, whatever wrote it: its compression, encoding and dialect are found out and said.

What a line is, is never guessed at the cost of another: a quote that does not close takes its own line and no more, and
every line that holds something comes out, as a record or as a reason.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal, cast

from connectors.file_encoding import LONGEST, encoding_of, unfit, unfit_inside
from connectors.file_rows import csv_rows
from connectors.models import MarketOrder, SocialPost, WeatherData
from connectors.source import Raw
from glue.errors import DataError, UsageError

Format = Literal["jsonl", "csv", "text"]
_PROBE = 65_536
_WHOLE = 512 * 2**20  # bytes of a file that is one JSON value
_FIX = "save it as UTF-8"
ALIASES = {"title": "product_name", "status": "order_status", "source": "platform", "engagement": "engagement_count",
           "extreme": "is_extreme_weather"}  # fmt: skip
_KNOWN = {*SocialPost.model_fields, *MarketOrder.model_fields, *WeatherData.model_fields, *ALIASES, "text", "message"}
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_LISTS = ("orders", "order", "posts", "records", "data", "items", "results")


class FileLines:
    """Iterates ``{"line": number, "record": …}`` and ``{"line": number, "bad": reason, "text": …}``, blanks left out.

    Attributes:
        said: what was found out about the file, where it is not plain UTF-8 with commas.

    Raises:
        UsageError: nothing of the file can be read: not text, no known encoding, a header that names nothing.
    """

    def __init__(self, path: Path, form: Format) -> None:
        self.path = path
        self.said: list[str] = []
        self._form = form

    def __iter__(self) -> Iterator[Raw]:
        with self.path.open("rb") as raw:
            file: IO[bytes] = raw
            if raw.read(2) == b"\x1f\x8b":
                self.said.append("gzip")
                raw.seek(0)
                file = cast("IO[bytes]", gzip.open(raw))  # noqa: SIM115
            file.seek(0)
            try:
                yield from self._records(file)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise self._unreadable("its gzip ends early or is damaged", "copy it again") from error

    def _unreadable(self, why: str, fix: str = _FIX) -> UsageError:
        return UsageError(f"file {self.path}", why, fix)

    def _records(self, file: IO[bytes]) -> Iterator[Raw]:
        probe = file.read(_PROBE)
        encoding = self._encoding(probe)
        file.seek(0)
        if encoding not in ("utf-8", "utf-8-sig"):
            self.said.append(f"encoding {encoding.upper()}")
        # What does not decode stays to be seen in its line: as surrogates (UTF-8) or as U+FFFD.
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=None)
        lines = self._checked(_lines(text))
        if self._form == "csv":
            yield from self._rows(lines)
        elif self._form == "jsonl":
            yield from self._json(lines)
        else:
            yield from (one if "bad" in one else {"line": one["line"], "record": {"content": one["text"].strip()}}
                        for one in lines)  # fmt: skip

    def _encoding(self, probe: bytes) -> str:
        try:
            return encoding_of(probe)
        except ValueError as error:
            why, _, fix = str(error).partition(": ")
            raise self._unreadable(why, fix or _FIX) from None

    def _checked(self, lines: Iterable[tuple[int, str]]) -> Iterator[dict[str, Any]]:
        """``{"line", "text"}`` of each line with something in it, or ``bad``."""
        for number, text in ((number, text.lstrip("\ufeff")) for number, text in lines):  # files joined to one
            if not text.strip() and self._form != "csv":  # within quotes they belong to the text
                continue
            reason = unfit(text)
            yield {"line": number, "bad": reason, "text": _safe(text)} if reason else {"line": number, "text": text}

    # JSON ------------------------------------------------------------------------------------------------------------

    def _json(self, lines: Iterator[dict[str, Any]]) -> Iterator[Raw]:
        first = next(lines, None)
        if first is None:
            return
        start = first["text"].lstrip()[:1] if "bad" not in first else ""
        whole = start == "["
        if start == "{" and not _parses(first["text"]):
            second = next(lines, None)  # a JSON line is complete; an object over several lines is one value
            whole = second is not None and not (second.get("text", "").lstrip().startswith("{") and "bad" not in second)
            lines = chain([second], lines) if second is not None else lines
        lines = chain([first], lines)
        if whole:
            yield from self._value(lines)
            return
        for one in lines:
            yield one if "bad" in one else _json_line(one["line"], one["text"].strip())

    def _value(self, lines: Iterator[dict[str, Any]]) -> Iterator[Raw]:
        """The records in a file that is one JSON value; their numbers are their places in it."""
        parts: list[str] = []
        size = 0
        for one in lines:
            if "bad" in one:
                raise self._unreadable(f"it is one JSON value, and line {one['line']} {one['bad']}", "correct it")
            parts.append(one["text"])
            size += len(one["text"])
            if size > _WHOLE:
                raise self._unreadable(
                    "it is one JSON value of more than 512 MiB", "write one record a line (JSON lines)"
                )
        try:
            value = json.loads("\n".join(parts), object_pairs_hook=_once)
        except DataError as error:
            raise self._unreadable(f"it is one JSON value, and an object in it {error.why}", "correct it") from None
        except (ValueError, RecursionError) as error:
            where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise self._unreadable(f"it begins as one JSON value and is none{where}", "correct it") from error
        found = records_in(value)
        self.said.append(f"one JSON value with {len(found)} records")
        for number, record in enumerate(found, 1):
            yield _record(number, record, str(record)[:1000])

    # CSV -------------------------------------------------------------------------------------------------------------

    def _rows(self, lines: Iterator[dict[str, Any]]) -> Iterator[Raw]:
        csv.field_size_limit(LONGEST)
        head = next((one for one in lines if "bad" in one or one["text"].strip()), None)
        if head is None or "bad" in head:
            raise self._unreadable(
                "the CSV has no line of column names that can be read", "write one as its first line"
            )
        declared = re.fullmatch(r"sep=(.) *", head["text"])  # as Excel writes
        if declared:
            head = next(lines, head)
        separator = declared.group(1) if declared else _separator(head["text"])
        if separator != ",":
            self.said.append(f"separator {_SEPARATORS.get(separator, repr(separator))}")
        names = [_column(name) for name in next(csv.reader([head["text"].lstrip("\ufeff")], delimiter=separator))]
        self._check_header(names)
        for row in csv_rows(lines, separator):
            if "bad" in row:
                yield row
                continue
            values = row["values"]
            if len(values) != len(names):
                bad = f"{len(values)} values in {len(names)} columns"
                yield {"line": row["line"], "bad": bad, "text": dict(enumerate(values))}
                continue
            if [_column(value) for value in values] == names:
                yield {"line": row["line"], "bad": "the header once more", "text": dict(enumerate(values))}
                continue
            record = {name: value for name, value in zip(names, values, strict=True) if value != ""}
            if record:
                yield {"line": row["line"], "record": record}

    def _check_header(self, names: list[str]) -> None:
        doubled = sorted({name for name in names if names.count(name) > 1 and name})
        if doubled:
            raise self._unreadable(
                f"its header has the column {', '.join(doubled)} more than once", "rename one of them"
            )
        if not _KNOWN & set(names):
            raise self._unreadable(
                f"its header has none of the columns that are known (found {len(names)}; separator?)",
                "write the names of the fields in the first line: order_id, product_name, content …",
            )
        if unread := [name for name in names if name and name not in _KNOWN]:
            self.said.append(f"columns that are not read: {', '.join(unread)}")


def records_in(value: Any) -> list[Any]:
    """The records of a JSON value: an array's, or those in ``orders``, ``data`` and the like; else the value itself."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and not {"line_items", "items"} & set(value) | (_KNOWN & set(value)):
        for name in _LISTS:
            inside = value.get(name)
            if isinstance(inside, list | dict):
                return records_in(inside)
    return [value]


def _lines(text: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    """Number and text of each line, ends of lines in any style; of too long a one only its beginning."""
    number = 0
    while line := text.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST and not line.endswith("\n"):
            while (rest := text.readline(LONGEST)) and not rest.endswith("\n"):
                pass
        yield number, line.removesuffix("\n")


def _safe(text: str) -> str:
    return text[:1000].encode("utf-8", "replace").decode()


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json_line(number: int, text: str) -> Raw:
    try:
        record = json.loads(text, object_pairs_hook=_once)
    except DataError as error:
        return {"line": number, "bad": error.why, "text": text}
    except (ValueError, RecursionError):
        return {"line": number, "bad": "not JSON", "text": text}
    return _record(number, record, text)


def _record(number: int, record: Any, text: str) -> Raw:
    reason = unfit_inside(record) if isinstance(record, dict) else "JSON, but no object"
    return {"line": number, "bad": reason, "text": text} if reason else {"line": number, "record": record}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two values of one key nobody knows which holds.

    Raises:
        DataError: a key is there twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DataError("object", "has a key twice", "correct it")
    return found


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _separator(header: str) -> str:
    """What separates the most names that are known; the comma where all do so equally."""

    def known(separator: str) -> tuple[int, int]:
        names = [_column(name) for name in next(csv.reader([header.lstrip("\ufeff")], delimiter=separator))]
        return len(_KNOWN & set(names)), len(names)

    return max(_SEPARATORS, key=known)
