"""Which encoding a file is in, and what in it is not text for people."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

LONGEST = 1_000_000  # characters of a record: Kafka takes about as much in one message
_ARCHIVE, _EXPORT = "unpack it, or pack it with gzip", "export its data as CSV or JSON lines"
_BINARY = {
    b"PK\x03\x04": ("a spreadsheet (xlsx) or zip archive", "save the sheet as CSV UTF-8"),
    b"PK\x05\x06": ("an empty zip archive", "export the data again"),
    b"\x1f\x8b": ("gzip within gzip", "unpack it once"),
    b"BZh91AY&SY": ("a bzip2 archive", _ARCHIVE),
    b"\xfd7zXZ": ("an xz archive", _ARCHIVE),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _ARCHIVE),
    b"7z\xbc\xaf": ("a 7z archive", _ARCHIVE),
    b"Rar!\x1a": ("a rar archive", _ARCHIVE),
    b"SQLite format 3": ("a SQLite database", _EXPORT),
    b"Obj\x01": ("an Avro file", _EXPORT),
    b"{\\rtf": ("a document (RTF)", "save it as plain text"),
    b"\x89PNG": ("a picture", _EXPORT),
    b"\xff\xd8\xff": ("a picture", _EXPORT),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet (xls)", "save the sheet as CSV UTF-8"),
    b"%PDF": ("a PDF", "export its data as CSV or JSON"),
    b"PAR1": ("a Parquet file", "export its data as CSV or JSON lines"),
}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
         (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
# Bijoy writes Bengali with Latin letters and signs: vowel signs † ‡ ˆ before a letter, © ¨ ¯ among them.
_BIJOY = re.compile(r"[†‡ˆ‰Š][A-Za-z]|[A-Za-z][©¨¯¤«»¶][A-Za-z]?|[A-Za-z`][¡-©¬®-»½¾¿][A-Za-z]")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml)\b", re.IGNORECASE)
_BYTE = r"[\u0080-\u024f\u2010-\u2122]"  # one of UTF-8 beyond ASCII, taken for a character of cp1252 or Latin-1
# Bengali and Devanagari; emoji; punctuation; accented letters and the blank that does not break
_TWICE_ENCODED = re.compile(rf"(?:à[¦§¤¥]{_BYTE}){{2}}|ð[\x9fŸ]{_BYTE}{{2}}|â[€\x80]{_BYTE}|[ÃÂ][\xa0-\xbf]")
_QUESTION_MARKS = re.compile(r"\?\?\? \?\?|\?\? \?\?\?")  # words of them, which nobody writes


def encoding_of(probe: bytes) -> str:
    """The encoding of a file that begins with ``probe``.

    Raises:
        ValueError: it is not text, or its encoding is unknown: why, a colon, and what to do.
    """
    for magic, (what, fix) in _BINARY.items():
        if probe.startswith(magic):
            raise ValueError(f"it is {what}, not text: {fix}")
    if found := _MARKUP.match(probe[:1000]):
        kind = "an XML document" if found.group(1).lower() == b"?xml" else "a web page (of a login, or of an error?)"
        raise ValueError(f"it is {kind}, not data: {_EXPORT}")
    for bom, encoding in _BOMS:
        if probe.startswith(bom):
            return encoding
    if b"\0" in probe:
        return _wide(probe)
    lines = [line for line in probe.split(b"\n")[:-1] or [probe] if line.strip()]
    wrong = sum(not _is_utf8(line) for line in lines)
    if wrong * 3 > len(lines):
        raise ValueError(
            f"its encoding is not UTF-8 ({wrong} of {len(lines)} lines), but cp1252 or an old Bengali one like Bijoy"
        )
    return "utf-8"


def _wide(probe: bytes) -> str:
    """UTF-16 or UTF-32 without its mark: NULs stand at the same places of each unit, and nowhere else."""
    if probe.count(0) * 4 < len(probe) and _is_utf8(probe):
        return "utf-8"  # a NUL here and there: its line says so
    even, odd = probe[::2].count(0), probe[1::2].count(0)
    fours = [probe[at::4].count(0) for at in range(4)]
    units = len(probe) // 4
    if units and fours[2] == fours[3] == units and not fours[0]:
        return "utf-32-le"
    if units and fours[0] == fours[1] == units and not fours[3]:
        return "utf-32-be"
    for encoding, wide, other in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if wide and not other and _reads_well(probe, encoding):
            return encoding
    if _is_utf8(probe):
        return "utf-8"  # a NUL here and there: its line says so
    raise ValueError("it holds NUL bytes, and is neither UTF-8, UTF-16 nor UTF-32: save it as UTF-8")


def unfit(text: str) -> str:
    """Why a line is not text for people; empty where it is."""
    if len(text) > LONGEST:
        return f"longer than {LONGEST} bytes"
    if "\0" in text:
        return "holds NUL characters"
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        return "not UTF-8 (cp1252, or a legacy Bengali encoding such as Bijoy?)"
    if "\ufffd" in text or _QUESTION_MARKS.search(text):
        return "holds characters that were lost when it was written in another encoding (U+FFFD, ????)"
    if not text.isascii():
        if _TWICE_ENCODED.search(text):
            return "UTF-8 that was taken for cp1252 and encoded once more"
        if len(_BIJOY.findall(text)) >= 2 and not any("\u0980" <= char <= "\u09ff" for char in text):
            return "in Bijoy (SutonnyMJ), a legacy Bengali encoding: convert it to Unicode"
    return ""


def unfit_inside(value: Any) -> str:
    """As :func:`unfit`, for the texts in a JSON value, whose escapes hide them from it; NUL is left to the model."""
    if isinstance(value, str):
        return "" if "\0" in value else unfit(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((reason for one in inside if (reason := unfit_inside(one))), "")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end == len(data) and error.reason == "unexpected end of data"  # the probe cut a character
    return True


def _reads_well(probe: bytes, encoding: str) -> bool:
    """Whether ``probe`` is text in an encoding of two bytes."""
    try:
        text = probe[: len(probe) // 2 * 2].decode(encoding)
    except UnicodeDecodeError as error:
        if error.end < len(probe) - 4:
            return False
        text = probe[: error.start].decode(encoding)
    odd = sum(unicodedata.category(char) in ("Cn", "Cc", "Co", "Cs") and char not in "\r\n\t" for char in text)
    return odd * 50 <= len(text)
