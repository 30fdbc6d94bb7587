"""The weather of the cities in the options: OpenWeather's of now; Open-Meteo's without a key, and of the past.

A repeated observation is not a new record.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import Field, SecretStr

from connectors import open_meteo
from connectors.models import WeatherData, millis, weather_key
from connectors.open_meteo import OpenMeteo, OpenMeteoClient
from connectors.places import place_code
from connectors.policies import Strict
from connectors.reading import moment, whole
from connectors.source import (
    Cursor,
    Fields,
    Page,
    Raw,
    Source,
    SourceOptions,
    Window,
    each_of,
    listing,
    mapping,
    required,
)
from connectors.weather_severity import Code, code_of, severity
from glue.errors import ConfigError, DataError, UsageError

log = logging.getLogger(__name__)
_OPENWEATHER = "openweather"
_ARCHIVED = "archived"


class City(Strict):
    """Where to look; degrees."""

    name: str
    latitude: float
    longitude: float


class Extreme(Strict):
    """When weather is extreme; any rain is."""

    above_celsius: float = 40.0
    below_celsius: float = 5.0
    wind_above: float = Field(15.0, description="m/s")


class WeatherOptions(SourceOptions):
    """Options of the weather source."""

    base_url: str
    api_key: SecretStr = Field(SecretStr(""), description="Of OpenWeather; empty: Open-Meteo, where it is declared.")
    open_meteo: OpenMeteo = OpenMeteo()
    cities: list[City]
    extreme: Extreme = Extreme()


class Weather(Source[WeatherOptions]):
    """One observation a city and run; with a window, one a city and hour of it."""

    model = WeatherData
    options_class = WeatherOptions

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """One page a city; of a window, pages of two weeks from the archive, and the cursor says how far each city is.

        Raises:
            UsageError: a window without its beginning, or without an archive to ask.
            ConfigError: there is neither a key of OpenWeather nor a host of Open-Meteo.
            ServiceError, ServiceUnavailableError: the first city that failed, after all others.
        """
        if window.since or window.until:
            return self._past(window, cursor)
        if self.options.api_key.get_secret_value():
            return each_of(self.options.cities, self._city)
        if self.options.open_meteo.forecast_url:
            log.info("weather: no key of OpenWeather; the weather is Open-Meteo's")
            return each_of(self.options.cities, self._city_of_open_meteo)
        raise ConfigError(
            "weather", "there is no key of OpenWeather, and no host of Open-Meteo is declared",
            "set MILLIONX_OPENWEATHER_KEY, or options.open_meteo.forecast_url",
        )  # fmt: skip

    def _city(self, city: City) -> Iterator[Page]:
        params = {
            "lat": city.latitude, "lon": city.longitude, "units": "metric",
            "appid": self.options.api_key.get_secret_value(),
        }  # fmt: skip
        url = f"{self.options.base_url}/data/2.5/weather"
        body, _ = self.context.http.get_json(f"weather of {city.name}", url, params)
        # The vendor's name of a place varies (Chattogram): ours goes with the record.
        yield Page([{"city": city.model_dump(), "body": body}])

    def _city_of_open_meteo(self, city: City) -> Iterator[Page]:
        client = OpenMeteoClient(self.context.http, self.options.open_meteo)
        hours = client.now_of(f"weather of {city.name}", city.latitude, city.longitude, self.context.now())
        yield Page([{"city": city.model_dump(), "hour": hour} for hour in hours])

    def _past(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        if not self.options.open_meteo.archive_url:
            raise UsageError(
                "weather", "OpenWeather's current weather has no past, and no archive is declared",
                "declare options.open_meteo.archive_url, or run without --since and --until",
            )  # fmt: skip
        if window.since is None:
            raise UsageError("weather", "--until needs --since: the archive begins in 1940", "give --since")
        reached: dict[str, str] = dict(cursor.get(_ARCHIVED) or {})
        return each_of(self.options.cities, partial(self._archived, window.since, window.until, reached))

    def _archived(self, since: datetime, until: datetime | None, reached: dict[str, str], city: City) -> Iterator[Page]:
        client = OpenMeteoClient(self.context.http, self.options.open_meteo)
        begin = max(since, datetime.fromisoformat(reached.get(city.name, since.isoformat())))
        what = f"weather of {city.name}"
        for hours, to in client.archived(what, city.latitude, city.longitude, begin, until or self.context.now()):
            reached[city.name] = to.isoformat()
            yield Page([{"city": city.model_dump(), "hour": hour} for hour in hours], {_ARCHIVED: dict(reached)})

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """Metric units: degrees Celsius, m/s, hPa, mm."""
        place = mapping(raw, "city and body")
        city = City.model_validate(required(place, "city"))
        if "hour" in place:
            provider, seen = open_meteo.PROVIDER, open_meteo.observation(mapping(place["hour"], "hour"))
            seen["condition_code"] = _code(seen["condition_code"])
            found = code_of(provider, seen["condition_code"])
            codes = [found] if found else []
            seen["condition"] = found.word if found else ""
            falls = bool(codes and codes[0].rain)
        else:
            provider = _OPENWEATHER
            seen, codes, falls = _of_openweather(mapping(place.get("body"), "body"))
        for name in ("temperature", "wind_speed"):
            seen[name] = _number(required(seen, name), name)
        seen["humidity"] = _percent(seen["humidity"])
        humidity, rain, limits = seen["humidity"], seen["rain_1h"], self.options.extreme
        fields = {
            **seen,
            "record_key": weather_key(city.name, seen["observed_at"], provider),
            "version": millis(seen["observed_at"]),
            "city": city.name,
            "place_code": place_code(city.name),
            "latitude": city.latitude,
            "longitude": city.longitude,
            "provider": provider,
            "is_extreme_weather": seen["temperature"] > limits.above_celsius
            or seen["temperature"] < limits.below_celsius
            or seen["wind_speed"] > limits.wind_above
            or bool(rain and rain > 0)
            or falls,
            "collected_at": collected_at,
        }
        if isinstance(humidity, int | float):  # another one is refused by the model, which names it
            fields |= severity(seen["temperature"], humidity, seen["wind_speed"], rain, codes)
        yield fields


def _of_openweather(body: Mapping[str, Any]) -> tuple[Fields, list[Code], bool]:
    """One answer by our names, what its codes say, and whether they say rain."""
    main, wind = mapping(body.get("main"), "main"), mapping(body.get("wind") or {}, "wind")
    conditions = [one for one in listing(body.get("weather") or [], "weather") if isinstance(one, dict)]
    codes = [code for one in conditions if (code := code_of(_OPENWEATHER, _code(one.get("id")))) is not None]
    falls = any(map(_falls, conditions))
    first = conditions[0] if conditions else {}
    return {
        "temperature": _number(required(main, "temp"), "main.temp"),
        "feels_like": main.get("feels_like"),
        "humidity": main.get("humidity"),
        "pressure": main.get("pressure"),
        "wind_speed": _number(wind.get("speed") or 0, "wind.speed"),
        "rain_1h": _rain(mapping(body.get("rain") or {}, "rain"), falls),
        "condition": str(first.get("main") or ""),
        "condition_code": _code(first.get("id")),
        "observed_at": _time(required(body, "dt")),
    }, codes, falls  # fmt: skip


def _time(value: Any) -> datetime:
    try:
        return moment(value)
    except ValueError as error:
        raise DataError("record", f"dt: {error}") from None


def _number(value: Any, name: str) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise DataError("record", f"{name}: is not a number") from None


def _percent(value: Any) -> Any:
    """Whole percent; what is none, a share of 1 (0.6) among them, as it is, for the model to refuse."""
    share = None if value is None else _number(value, "humidity")
    return round(share) if share is not None and (share == 0 or 1 <= share <= 100) else value


def _code(value: Any) -> int | None:
    """A provider's code, also as a text or a double."""
    try:
        found = whole(value)
    except ValueError:
        return None
    return found if isinstance(found, int) else None


def _rain(measured: Mapping[str, Any], falls: bool) -> float | None:
    """Millimetres of the last hour; older answers have those of three hours, of which this is the mean.

    Without a measure: none where it does not rain, None where it does.
    """
    if measured.get("1h") is not None:
        return _number(measured["1h"], "rain.1h")
    if measured.get("3h") is not None:
        return round(_number(measured["3h"], "rain.3h") / 3, 2)
    return None if falls else 0.0


def _falls(condition: Mapping[str, Any]) -> bool:
    """Rain without a measure is rain: the vendor's codes 2xx (thunderstorm), 3xx (drizzle) and 5xx (rain)."""
    if (code := _code(condition.get("id"))) is not None:
        return code // 100 in (2, 3, 5)
    return str(condition.get("main") or "").lower() in ("rain", "drizzle", "thunderstorm")
