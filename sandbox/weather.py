"""OpenWeather's current weather, one observation a city every ten minutes; Open-Meteo's hours, of now and archived."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json
from sandbox.world import TOKENS, World

_STEP = 600
_HOUR = 3600
_LATE = timedelta(days=5)  # of the archive
_UNITS = {
    "time": "unixtime", "temperature_2m": "°C", "apparent_temperature": "°C", "relative_humidity_2m": "%",
    "pressure_msl": "hPa", "wind_speed_10m": "m/s", "precipitation": "mm", "weather_code": "wmo code",
}  # fmt: skip
_BREAKS: list[Json] = [{"main": None}, {"dt": "(missing)"}, {"main": {"temp": 900, "humidity": 140, "pressure": 1}}]


def routes(world: World) -> list[Route]:
    """The routes below ``/weather``."""

    async def current(request: Request) -> Response:
        faults, query = world.faults, request.query_params
        if query.get("appid") != TOKENS["weather"] or faults.has("weather", "expired-token"):
            return JSONResponse({"cod": 401, "message": "Invalid API key."}, 401)
        if faults.has("weather", "throttle"):
            return JSONResponse({"cod": 429, "message": "Your account is temporary blocked."}, 429)
        if faults.has("weather", "html-instead-of-json"):
            return HTMLResponse("<html><body>Bad gateway</body></html>")
        try:
            latitude, longitude = float(query["lat"]), float(query["lon"])
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise ValueError
        except (KeyError, ValueError):
            return JSONResponse({"cod": "400", "message": "Nothing to geocode"}, 400)
        at = int(time.time()) // _STEP * _STEP
        if faults.has("weather", "stale-weather"):
            at -= 3_600
        made = _observation(world.options.seed, latitude, longitude, at, faults.has("weather", "extreme-weather"))
        if query.get("units") != "metric":
            made["main"]["temp"] += 273.15
            made["main"]["feels_like"] += 273.15
        broken = faults.has("weather", "malformed-records")
        answer = {**made, **(_BREAKS[int(latitude) % len(_BREAKS)] if broken else {})}
        return JSONResponse({name: value for name, value in answer.items() if value != "(missing)"})

    async def hours(request: Request) -> Response:
        """Both of Open-Meteo's hosts: without a key, and 400 with a reason for what it does not understand."""
        faults, query = world.faults, request.query_params
        if faults.has("weather", "throttle"):
            return _refused("Minutely API request limit exceeded. Please try again in one minute.", 429)
        if faults.has("weather", "html-instead-of-json"):
            return HTMLResponse("<html><body>Bad gateway</body></html>")
        now = datetime.now(UTC)
        try:
            latitude, longitude = float(query["latitude"]), float(query["longitude"])
            if not -90 <= latitude <= 90:
                return _refused(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
            if request.url.path.endswith("/archive"):
                first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
                if not date(1940, 1, 1) <= first <= last <= now.date():
                    return _refused(f"Parameter 'start_date' is out of allowed range from 1940-01-01 to {now.date()}")
                begin, count = _seconds(first), ((last - first).days + 1) * 24
                known = (now - _LATE).timestamp()
            else:
                begin = (int(now.timestamp()) // _HOUR - int(query.get("past_hours", "0"))) * _HOUR
                count, known = int(query.get("past_hours", "0")) + int(query.get("forecast_hours", "24")), float("inf")
        except (KeyError, ValueError):
            return _refused("Data corrupted at path ''. Cannot initialize from the given value.")
        names = query.get("hourly", "").split(",")
        if unknown := next((name for name in names if name not in _UNITS), None):
            return _refused(f"Cannot initialize SurfacePressureAndHeightVariable from invalid String value {unknown}.")
        times = [begin + at * _HOUR for at in range(count)]
        extreme = faults.has("weather", "extreme-weather")
        made = [_hour(world.options.seed, latitude, longitude, at, extreme) if at <= known else {} for at in times]
        units = {name: _UNITS[name] for name in ("time", *names)}
        if query.get("wind_speed_unit") != "ms":
            units["wind_speed_10m"] = "km/h"
        if faults.has("weather", "malformed-records") and made:
            made[0] = {**made[0], "temperature_2m": 900.0}
        columns = {name: [hour.get(name) for hour in made] for name in names}
        return JSONResponse({"latitude": latitude, "longitude": longitude, "utc_offset_seconds": 0, "timezone": "GMT",
                             "hourly_units": units, "hourly": {"time": times, **columns}})  # fmt: skip

    return [Route("/data/2.5/weather", current), Route("/v1/forecast", hours), Route("/v1/archive", hours)]


def _refused(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": True, "reason": reason}, status)


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _hour(seed: int, latitude: float, longitude: float, at: int, extreme: bool) -> Json:
    """The same weather as OpenWeather's, as Open-Meteo says it."""
    made = _observation(seed, latitude, longitude, at, extreme)
    rain = made.get("rain", {}).get("1h", 0.0)
    return {
        "temperature_2m": made["main"]["temp"], "apparent_temperature": made["main"]["feels_like"],
        "relative_humidity_2m": made["main"]["humidity"], "pressure_msl": float(made["main"]["pressure"]),
        "wind_speed_10m": made["wind"]["speed"], "precipitation": rain, "weather_code": 63 if rain else 45,
    }  # fmt: skip


def _observation(seed: int, latitude: float, longitude: float, at: int, extreme: bool) -> Json:
    rng = random.Random(f"weather:{seed}:{latitude}:{longitude}:{at}")
    temperature = round(rng.uniform(41, 44) if extreme else rng.uniform(14, 36), 2)
    made: Json = {
        "coord": {"lat": latitude, "lon": longitude},
        "weather": [{"id": 701, "main": "Haze", "description": "haze"}],
        "main": {"temp": temperature, "feels_like": round(temperature + rng.uniform(-1, 4), 2),
                 "pressure": rng.randrange(1002, 1020), "humidity": rng.randrange(45, 98)},
        "wind": {"speed": round(rng.uniform(16, 24) if extreme else rng.uniform(0, 7), 2)},
        "dt": at,
        "cod": 200,
    }  # fmt: skip
    if rng.random() < 0.25:
        made["rain"] = {"1h": round(rng.uniform(0.1, 12), 2)}
        made["weather"] = [{"id": 501, "main": "Rain", "description": "moderate rain"}]
    return made
