"""OpenWeather's current weather for the cities in the options. A repeated observation is not a new record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, SecretStr

from connectors.models import WeatherData, millis, weather_key
from connectors.places import place_code
from connectors.policies import Strict
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
from glue.errors import DataError


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
    api_key: SecretStr
    cities: list[City]
    extreme: Extreme = Extreme()


class Weather(Source[WeatherOptions]):
    """One observation a city and run."""

    model = WeatherData
    options_class = WeatherOptions

    def pages(self, window: Window, cursor: Cursor) -> Iterator[Page]:
        """One page a city. There is no past to ask for: a window is not looked at."""
        return each_of(self.options.cities, self._city)

    def _city(self, city: City) -> Iterator[Page]:
        params = {
            "lat": city.latitude, "lon": city.longitude, "units": "metric",
            "appid": self.options.api_key.get_secret_value(),
        }  # fmt: skip
        url = f"{self.options.base_url}/data/2.5/weather"
        body, _ = self.context.http.get_json(f"weather of {city.name}", url, params)
        # The vendor's name of a place varies (Chattogram): ours goes with the record.
        yield Page([{"city": city.model_dump(), "body": body}])

    def parse(self, raw: Raw, collected_at: datetime) -> Iterable[Fields]:
        """Metric units: degrees Celsius, m/s, hPa, mm."""
        place = mapping(raw, "city and body")
        city, body = City.model_validate(required(place, "city")), mapping(place.get("body"), "body")
        main, wind = mapping(body.get("main"), "main"), mapping(body.get("wind") or {}, "wind")
        observed = datetime.fromtimestamp(_number(required(body, "dt"), "dt"), UTC)
        conditions = [one for one in listing(body.get("weather") or [], "weather") if isinstance(one, dict)]
        rain = _rain(mapping(body.get("rain") or {}, "rain"))
        temperature = _number(required(main, "temp"), "main.temp")
        speed = _number(wind.get("speed") or 0, "wind.speed")
        limits = self.options.extreme
        yield {
            "record_key": weather_key(city.name, observed),
            "version": millis(observed),
            "city": city.name,
            "place_code": place_code(city.name),
            "latitude": city.latitude,
            "longitude": city.longitude,
            "temperature": temperature,
            "feels_like": main.get("feels_like"),
            "humidity": main.get("humidity"),
            "pressure": main.get("pressure"),
            "wind_speed": speed,
            "rain_1h": rain,
            "condition": str(conditions[0].get("main") or "") if conditions else "",
            "is_extreme_weather": temperature > limits.above_celsius or temperature < limits.below_celsius
            or speed > limits.wind_above or rain > 0 or any(map(_falls, conditions)),
            "observed_at": observed,
            "collected_at": collected_at,
        }  # fmt: skip


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError("record", f"{name}: is not a number") from None


def _rain(measured: Mapping[str, Any]) -> float:
    """Millimetres of the last hour; older answers have those of three hours, of which this is the mean."""
    if measured.get("1h") is not None:
        return _number(measured["1h"], "rain.1h")
    return round(_number(measured.get("3h") or 0, "rain.3h") / 3, 2)


def _falls(condition: Mapping[str, Any]) -> bool:
    """Rain without a measure is rain: the vendor's codes 2xx (thunderstorm), 3xx (drizzle) and 5xx (rain)."""
    code = condition.get("id")
    if isinstance(code, int):
        return code // 100 in (2, 3, 5)
    return str(condition.get("main") or "").lower() in ("rain", "drizzle", "thunderstorm")
