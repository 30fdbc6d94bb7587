"""One case against the code: what each entry runs, and what its ``want`` says about the outcome.

Entries: ``source`` and ``file`` (raw records and reasons), ``demand`` and ``weatherjoin`` (through the chain into the
views), ``count``, ``hashtags``, ``scrub``, and those of :mod:`tests.cases.declared`.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.settings import get_settings
from tests.cases import declared
from tests.cases.world import ALIASES, Sent, rows, run_file, run_source, warehouse


@dataclass(frozen=True)
class Case:
    """One case of a file; ``id`` is the file's name and its own."""

    id: str
    entry: str
    input: Any
    want: Any


def in_folder(folder: Path) -> Iterator[Case]:
    """The cases of a folder's JSON files, in their order."""
    for file in sorted(folder.glob("*.json")):
        for case in json.loads(file.read_text(encoding="utf-8"))["cases"]:
            yield Case(f"{file.stem}: {case['name']}", case["entry"], case["input"], case["want"])


def check(case: Case) -> list[str]:
    """What is wrong; empty when the case holds."""
    entry = ENTRIES.get(case.entry)
    if entry is None:
        return [f"unknown entry {case.entry}"]
    try:
        return list(entry(case.input, case.want))
    except Exception as error:
        return [f"the check broke: {type(error).__name__}: {error}"]


def _field(record: dict[str, Any], name: str) -> Any:
    return record.get(name, record.get(ALIASES.get(name, name)))


def _source(given: Any, want: Any) -> Iterator[str]:
    yield from _sent(run_source(given["source"], given["pages"], get_settings()), want)


def _file(given: Any, want: Any) -> Iterator[str]:
    if "base64" in given:
        data = base64.b64decode(given["base64"])
    elif "repeat" in given:  # before, what is repeated, how often, after
        before, repeated, times, after = given["repeat"]
        data = (before + repeated * times + after).encode()
    else:
        data = given["text"].encode()
    yield from _sent(run_file(given["source"], data, given["form"], get_settings()), want)


def _sent(sent: Sent, want: dict[str, Any]) -> Iterator[str]:
    found = [{name: str(value) for name, value in record.items()} for record in sent.records()]
    reasons = sent.reasons
    if "sent" in want:
        names = {name for one in want["sent"] for name in one}
        told = [{name: _field(one, name) for name in names} for one in found]
        fits = len(found) == len(want["sent"]) and all(
            _field(one, name) == value
            for one, wanted in zip(found, want["sent"], strict=True)
            for name, value in wanted.items()
        )
        if not fits:
            yield f"sent {told}, reasons {reasons}"
    if "not_sent" in want and any(
        all(_field(one, name) == value for name, value in want["not_sent"].items()) for one in found
    ):
        yield f"sent what it must not: {want['not_sent']}"
    if "reason_has" in want and not any(re.search(want["reason_has"], one) for one in [*reasons, *sent.said]):
        yield f"nothing says /{want['reason_has']}/: {reasons} {sent.said}"
    if "reason_not" in want and any(re.search(want["reason_not"], one) for one in reasons):
        yield f"a reason says only /{want['reason_not']}/: {reasons}"
    if "named" in want and len(found) + len(reasons) < want["named"]:
        yield f"{len(found)} sent and {len(reasons)} named of {want['named']}"
    if {"nothing_has", "differ", "same"} & set(want):
        made = rows(sent, get_settings())
        yield from _rows(made, want)


def _rows(made: list[dict[str, Any]], want: dict[str, Any]) -> Iterator[str]:
    for text in want.get("nothing_has", []):
        for row in made:
            if text in json.dumps(row, default=str, ensure_ascii=False).replace("\\u0000", ""):
                yield f"{text!r} is on a sink topic"
    for name in want.get("differ", []):
        got = [_field(row, name) for row in made if _field(row, name) is not None]
        if len(set(got)) != len(got):
            yield f"{name}: different people share a pseudonym"
    for name in want.get("same", []):
        got = [_field(row, name) for row in made]
        if len(set(got)) != 1:
            yield f"{name}: one person has {len(set(got))} pseudonyms"


def _demand(given: Any, want: Any) -> Iterator[str]:
    settings = get_settings()
    sent = run_source(given["source"], given["pages"], settings)
    made = [row for row in rows(sent, settings) if "REFUSED" not in row]
    with warehouse(made, [], settings) as cursor:
        query = "select PRODUCT_ID, SUM(UNITS), SUM(REVENUE) from DEMAND_DAILY group by 1"
        got = {product: (float(units), float(money)) for product, units, money in cursor.execute(query).fetchall()}
    for product, (units, money) in want.items():
        if got.get(product, (0.0, 0.0)) != (units, money):
            yield f"DEMAND_DAILY {product}: {got.get(product, (0.0, 0.0))}, want {(units, money)}; {sent.reasons}"


def _view(given: Any, want: Any) -> Iterator[str]:
    """``{"source", "pages", "query"}``: the rows that the query gives, as texts."""
    settings = get_settings()
    sent = run_source(given["source"], given["pages"], settings)
    made = [row for row in rows(sent, settings) if "REFUSED" not in row]
    with warehouse(made, [], settings) as cursor:
        got = [[str(value) for value in row] for row in cursor.execute(given["query"]).fetchall()]
    if got != want:
        yield f"{got}, want {want}; {sent.reasons}"


def _weather_join(given: Any, _: Any) -> Iterator[str]:
    settings = get_settings()
    orders = rows(run_source("shopify", given["pages"], settings), settings)
    weather = run_source("weather", [[given["weather"]]], settings).records()
    with warehouse(orders, weather, settings) as cursor:
        got = cursor.execute("select SHIPPING_CITY, TEMPERATURE from ORDERS_WITH_WEATHER").fetchall()
    if not got:
        yield "no order arrived"
    for city, temperature in got:
        if temperature is None:
            yield f"no weather for {city!r}"


def _count(given: Any, want: Any) -> Iterator[str]:
    from connectors.text import parse_count

    try:
        got: Any = parse_count(given)
    except ValueError as error:
        got = f"ValueError {error}"
    if got != want and not (want == "refused" and isinstance(got, str)):
        yield f"{given!r} gives {got}, want {want}"


def _hashtags(given: Any, want: Any) -> Iterator[str]:
    from connectors.text import hashtags

    if hashtags(given) != want:
        yield f"{hashtags(given)}, want {want}"


def _place(given: Any, want: Any) -> Iterator[str]:
    from connectors.places import place_code

    if place_code(given) != want:
        yield f"{given!r} is {place_code(given)}, want {want}"


def _scrub(given: Any, want: Any) -> Iterator[str]:
    from glue.privacy.scrub import Scrubber

    got = Scrubber().text(given)
    digits = "".join(str(unicodedata.digit(char)) for char in got if unicodedata.digit(char, None) is not None)
    if any(one in digits for one in want.get("no_digits", [])) or any(one in got for one in want.get("not", [])):
        yield f"passed on: {got!a}"


ENTRIES: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "source": _source,
    "file": _file,
    "demand": _demand,
    "view": _view,
    "weatherjoin": _weather_join,
    "count": _count,
    "hashtags": _hashtags,
    "place": _place,
    "scrub": _scrub,
    **declared.ENTRIES,
}
