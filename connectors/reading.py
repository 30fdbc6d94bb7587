"""Reads what vendors, files and people write as money, times and numbers: whole, or not at all.

Every refusal names the rule and holds no value, because it becomes the reason of a dead letter.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_STEP = Decimal("0.0001")
_NEAR = Decimal("0.000001")  # a double's last digits, not a fifth decimal
# Indian (1,23,456) or western (1,234,567) grouping, or none.
_AMOUNT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}|\d+)(?:\.\d+)?|[+-]?\.\d+")
_TAKA = r"(?:৳|bdt|tk\.?|taka|টাকা)"
_CURRENCY_BEFORE = re.compile(rf"^{_TAKA}\s*:?\s*", re.IGNORECASE)
_CURRENCY_BEHIND = re.compile(rf"(?<!\s)\s*(?:(?:/[-=]|{_TAKA})(?:\s*(?:/[-=]|only|মাত্র))?|only|মাত্র)$", re.IGNORECASE)
_IS_TAKA = re.compile(_TAKA, re.IGNORECASE)
_SCIENTIFIC = re.compile(r"(?<!\d)[+-]?\d+(?:[.,]\d+)?\s*[eE]\s*[+-]?\d+")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_SLASHES = re.compile(r"^(\d{4})/(\d{2})/(\d{2})(?=\D|$)")
_OFFSET_BEHIND_BLANK = re.compile(r"(?<!\s)\s+(?=(?:[+-]\d{2}:?\d{2}|Z)$)")
_ZONE_NAME = re.compile(r"\[[A-Za-z]+(?:/[\w+-]+)*\]$")  # behind an offset, as Java writes: +06:00[Asia/Dhaka]
_UTC = re.compile(r"(?<!\s)\s*(?:UTC|GMT)$")
_SUPERSCRIPTS = re.compile("([\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u249b])")
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def western_digits(text: str) -> str:
    """``text`` in NFKC, with ASCII digits for those of every script; ``²`` and ``①`` stay, ``10²`` is not 102."""
    if text.isascii():
        return text
    plain = "".join(
        part if part[0].isdigit() and not part[0].isdecimal() else unicodedata.normalize("NFKC", part)
        for part in _SUPERSCRIPTS.split(text)
        if part
    )
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def money(value: Any) -> Decimal:
    """An amount with at most four decimals: ``1250.5``, ``"1,23,456.00"``, ``"৳ ১,২৫০"``, ``"1250/-"``, ``"Tk. 99"``.

    A double that means a shorter number (1249.9999999999998) is that number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError("is not an amount of money")
    text = western_digits(str(value)).strip()
    if isinstance(value, str):
        text = _CURRENCY_BEHIND.sub("", _CURRENCY_BEFORE.sub("", text, count=1), count=1).strip()
        if _SCIENTIFIC.fullmatch(text):
            raise ValueError("is written as a spreadsheet writes large numbers (1.2E+06)")
        if not _AMOUNT.fullmatch(text):
            raise ValueError("is not an amount of money")
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise ValueError("is not an amount of money") from None
    if not amount.is_finite():
        raise ValueError("is not an amount of money")
    if abs(amount) >= Decimal(10**14):
        raise ValueError("has more than 14 digits before its decimal point")
    rounded = amount.quantize(_STEP)
    if abs(rounded - amount) > _NEAR:
        raise ValueError("has more than four decimals")
    return rounded


def currency(value: Any) -> Any:
    """A code of ISO 4217 in capitals, also for ``৳``, ``Tk.`` and ``টাকা``.

    Raises:
        ValueError: it is a text, but none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _IS_TAKA.fullmatch(text):
        return "BDT"
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise ValueError("is not a code of ISO 4217 (BDT)")
    return text.upper()


def moment(value: Any) -> datetime:
    """A time with an offset: ISO 8601, also with blanks, slashes, Bengali digits, ``UTC`` or a zone's name behind it.

    A number is seconds since 1970, or milli-, micro- or nanoseconds: in this century no number can be two of these.

    Raises:
        ValueError: it is none, has no offset, or is not of this century.
    """
    if isinstance(value, bool):
        raise ValueError("is not a time")
    if isinstance(value, str):
        text = western_digits(value).strip()
        value = float(text) if _NUMBER.fullmatch(text) else _written(text)
    if isinstance(value, int | float):
        for fraction in (1, 10**3, 10**6, 10**9):
            if _FIRST * fraction <= value < _LAST * fraction:
                return datetime.fromtimestamp(value / fraction, UTC)
        raise ValueError("is a number, but not a time since 1970 (a spreadsheet's serial date?)")
    if not isinstance(value, datetime):
        raise ValueError("is not a time")
    if value.tzinfo is None:
        raise ValueError("has no offset from UTC")
    if not 2000 <= value.year < 2100:
        raise ValueError("is not of this century")
    return value


def _written(text: str) -> datetime:
    text = _UTC.sub("Z", _ZONE_NAME.sub("", text.upper()))
    text = _OFFSET_BEHIND_BLANK.sub("", _SLASHES.sub(r"\1-\2-\3", text))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time in ISO 8601 (2026-01-05T10:00:00+06:00)") from None


def whole(value: Any) -> Any:
    """A whole number, also as text in the digits of any script, with separators, or as a spreadsheet writes it (2.0).

    Raises:
        ValueError: it is none, although a text, a number with a fraction, or a flag.
    """
    if isinstance(value, bool):
        raise ValueError("is not a whole number")
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError("is not a whole number")
        return int(value)
    if not isinstance(value, str):
        return value
    text = western_digits(value).strip()
    found = re.fullmatch(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}|\d+))(?:\.0+)?", text)
    if not found:
        raise ValueError("is not a whole number")
    return int(found.group(1).replace(",", ""))


_ERRORS = re.compile(r"#(?:REF|N/A|VALUE|NAME|DIV/0|NUM|NULL|SPILL|CALC)[!?]?|#{3,}")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|জানু|ফেব|মার্চ|এপ্রি|মে|জুন|জুল|আগ|সেপ|অক্ট|নভে|ডিস"
_TURNED_INTO_DATE = re.compile(
    rf"\d{{1,2}}-(?:{_MONTHS})|(?:{_MONTHS})-\d{{1,2}}|\d{{1,2}}-(?:{_MONTHS})-\d{{2,4}}"
    r"|\d{4}-\d\d-\d\d 00:00:00",
    re.I,
)
_NO_VALUE = frozenset(("nan", "none", "null", "nil", "undefined", "true", "false", "<na>", "n/a", "inf", "-inf",
                        "[object object]"))  # fmt: skip


def spreadsheet_damage(text: str) -> str:
    """What a spreadsheet or a program has made of an identity (an id, a phone), in words; empty where nothing shows."""
    plain = western_digits(text).strip()
    if _ERRORS.fullmatch(plain):
        return "is an error value of a spreadsheet"
    if plain.lower() in _NO_VALUE:
        return "is a program's word for a flag or for no value (nan, None, TRUE)"
    if _TURNED_INTO_DATE.fullmatch(plain):
        return "was turned into a date (1-Feb), as a spreadsheet does: format the column as text"
    if _SCIENTIFIC.fullmatch(plain):
        return "is written as a spreadsheet writes large numbers (8.8E+12): format the column as text"
    if re.fullmatch(r"[+-]?\d+[.,]0+", plain):
        return "ends in .0, as a spreadsheet writes numbers: format the column as text"
    if re.fullmatch(r"[+-]?\d+\.\d{3,}|\d{1,3}(?:,\d{3})+", plain):
        return "has decimals or separators, as a spreadsheet writes numbers: format the column as text"
    if plain.startswith(("'", "=")):
        return "begins with the mark of a spreadsheet's text (' or =)"
    zeros, digits = len(plain) - len(plain.rstrip("0")), len(plain)
    # A spreadsheet keeps 15 digits. A double has 16 or 17: of ids of 19 and more, programs leave 16 and zeros.
    if re.fullmatch(r"\d{16,}", plain) and zeros >= digits - (15 if digits < 19 else 16):
        return "has more than 15 digits and zeros behind them, as spreadsheets and programs round: write it as text"
    return ""
