"""OpenWeather's current weather for the cities in the options. A repeated observation is no new record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pydantic import Field, SecretStr

from connectors.models import WeatherData, millis, weather_key
from connectors.policies import Strict
from connectors.source import Cursor, Fields, Page, Raw, Source, SourceOptions, Window, each_of, mapping


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
        city, body = City.model_validate(raw["city"]), mapping(raw["body"], "weather")
        main, wind = mapping(body["main"], "main"), mapping(body.get("wind") or {}, "wind")
        observed = datetime.fromtimestamp(int(body["dt"]), UTC)
        rain = float((body.get("rain") or {}).get("1h", 0.0))
        limits = self.options.extreme
        temperature, speed = float(main["temp"]), float(wind.get("speed", 0.0))
        yield {
            "record_key": weather_key(city.name, observed),
            "version": millis(observed),
            "city": city.name,
            "latitude": city.latitude,
            "longitude": city.longitude,
            "temperature": temperature,
            "feels_like": main.get("feels_like"),
            "humidity": main["humidity"],
            "pressure": main.get("pressure"),
            "wind_speed": speed,
            "rain_1h": rain,
            "condition": str((body.get("weather") or [{}])[0].get("main", "")),
            "extreme": temperature > limits.above_celsius or temperature < limits.below_celsius
            or speed > limits.wind_above or rain > 0,
            "observed_at": observed,
            "collected_at": collected_at,
        }  # fmt: skip
