"""How bad weather is: classes of rain, wind, heat and cold, and one grade of them, by ``connectors/data/weather.json``.

The flag of extreme weather holds for any rain, and so for nearly every hour of the monsoon; a grade tells a drizzle
from a cloudburst. Where each class is from stands in the file.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connectors.source import Fields
from glue.errors import ConfigError

log = logging.getLogger(__name__)
_FILE = Path(__file__).parent / "data" / "weather.json"
_UNMEASURED = "unmeasured"


@dataclass(frozen=True)
class Code:
    """What a provider's code says: its ``word``, the class of rain that falls (None: none), and the least grade."""

    word: str
    rain: str | None
    grade: int


@dataclass(frozen=True)
class _Class:
    name: str
    bound: float
    grade: int


@dataclass(frozen=True)
class _Scales:
    classes: dict[str, list[_Class]]
    codes: dict[str, dict[int, Code]]


@cache
def _scales() -> _Scales:
    try:
        document = json.loads(_FILE.read_text(encoding="utf-8"))
        scales = {name: body for name, body in document.items() if not name.startswith("$")}
        classes = {
            name: [
                _Class(one["name"], float(one["to"] if "to" in one else one["from"]), int(one["grade"]))
                for one in body["classes"]
            ]
            for name, body in scales.items()
            if "classes" in body
        }
        codes = {
            provider: {int(code): Code(*said) for code, said in body["codes"].items()}
            for provider, body in scales.items()
            if "codes" in body
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"file {_FILE}", f"it cannot be read: {error}", "correct it") from error
    return _Scales(classes, codes)


def _class(scale: str, value: float) -> _Class:
    """The last class that begins at or below ``value``; of cold, whose bounds fall, the last that ends at or above."""
    classes = _scales().classes[scale]
    falling = classes[0].bound > classes[-1].bound
    reached = (one for one in reversed(classes) if (value <= one.bound if falling else value >= one.bound))
    return next(reached, classes[0])


def code_of(provider: str, code: Any) -> Code | None:
    """What a provider's ``code`` means; None for none, and for one that is not in the file, which is logged."""
    if not isinstance(code, int):
        return None
    found = _scales().codes[provider].get(code)
    if found is None:
        log.warning("%s: code %d is not in %s: what it says is not graded", provider, code, _FILE.name)
    return found


def heat_index(temperature: float, humidity: float) -> float:
    """The heat index in degrees Celsius, by the National Weather Service's formula; ``humidity`` in percent."""
    fahrenheit = temperature * 1.8 + 32
    simple = 0.5 * (fahrenheit + 61 + (fahrenheit - 68) * 1.2 + humidity * 0.094)
    index = (simple + fahrenheit) / 2
    if index >= 80:
        t, r = fahrenheit, humidity
        index = (
            -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 6.83783e-3 * t * t
            - 5.481717e-2 * r * r + 1.22874e-3 * t * t * r + 8.5282e-4 * t * r * r - 1.99e-6 * t * t * r * r
        )  # fmt: skip
        if r < 13 and 80 <= t <= 112:
            index -= (13 - r) / 4 * ((17 - abs(t - 95)) / 17) ** 0.5
        elif r > 85 and 80 <= t <= 87:
            index += (r - 85) / 10 * (87 - t) / 5
    return round((index - 32) / 1.8, 1)


def severity(temperature: float, humidity: float, wind_speed: float, rain: float | None, codes: list[Code]) -> Fields:
    """Class and grade of one observation, as fields of a record.

    Args:
        temperature: degrees Celsius.
        humidity: percent.
        wind_speed: metres a second.
        rain: millimetres of the last hour; None where it rains and nobody says how much: then the code's word counts.
        codes: what the provider's codes say; several may hold at once.
    """
    falling = [code for code in codes if code.rain]
    graded = {"none": 0, _UNMEASURED: 1} | {one.name: one.grade for one in _scales().classes["rain_1h"]}
    said = max((str(code.rain) for code in falling), key=lambda name: graded[name], default="none")
    rain_class = _class("rain_1h", rain).name if rain else said
    force, index = _class("wind", wind_speed), heat_index(temperature, humidity)
    heat = max(_class("heat", temperature).grade, _class("heat_index", index).grade)
    causes = {"rain": graded[rain_class], "wind": force.grade, "heat": heat, "cold": _class("cold", temperature).grade}
    for code in codes:
        causes[code.word.lower()] = max(code.grade, causes.get(code.word.lower(), 0))
    worst = max(causes, key=lambda name: causes[name])
    return {
        "rain_class": rain_class,
        "wind_force": int(force.name),
        "heat_index": index,
        "severity": causes[worst],
        "severity_cause": worst if causes[worst] else None,
    }
