"""OpenWeather's current weather: one observation a city every ten minutes."""

from __future__ import annotations

import random
import time

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.made_data import Json
from sandbox.world import TOKENS, World

_STEP = 600
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

    return [Route("/data/2.5/weather", current)]


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
