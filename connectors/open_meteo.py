"""Open-Meteo: hourly weather without a key, of today and (its archive, ERA5) since 1940.

Its free hosts are for non-commercial use; others declare the hosts of their plan and its key, or a server of their own.
The data are CC BY 4.0 and ask for a visible link. Hours of the archive come up to five days late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr

from connectors.http import Http, check_status
from connectors.policies import Strict
from connectors.reading import moment
from connectors.source import required
from glue.errors import DataError, ServiceError, ServiceUnavailableError

PROVIDER = "open-meteo"
_VARIABLES = {
    "temperature_2m": "temperature", "apparent_temperature": "feels_like", "relative_humidity_2m": "humidity",
    "pressure_msl": "pressure", "wind_speed_10m": "wind_speed", "precipitation": "rain_1h",
    "weather_code": "condition_code",
}  # fmt: skip
_UNITS = {
    "temperature_2m": "°C", "apparent_temperature": "°C", "relative_humidity_2m": "%", "pressure_msl": "hPa",
    "wind_speed_10m": "m/s", "precipitation": "mm", "time": "unixtime",
}  # fmt: skip
_HOUR = 3600
_DAYS = 14  # of one answer: longer ones count as several calls


class OpenMeteo(Strict):
    """Where Open-Meteo is; what is not declared is not asked."""

    forecast_url: str = Field("", description="Host of the current weather, asked where there is no api_key.")
    archive_url: str = Field("", description="Host of the archive, asked for --since and --until.")
    api_key: SecretStr = Field(SecretStr(""), description="Of a commercial plan.")


class OpenMeteoClient:
    """Hours of one place. ``hours`` and ``now_of`` give native hours: ``{"time": seconds, "temperature_2m": …}``."""

    def __init__(self, http: Http, options: OpenMeteo) -> None:
        self._http, self._options = http, options

    def now_of(self, what: str, latitude: float, longitude: float, now: datetime) -> list[dict[str, Any]]:
        """The last hours that are whole; not its ``current`` values, whose rain is that of fifteen minutes.

        Raises:
            ServiceError, ServiceUnavailableError: as :meth:`connectors.http.Http.attempt`.
        """
        url = f"{self._options.forecast_url}/v1/forecast"
        hours = self._ask(what, url, latitude, longitude, {"past_hours": 2, "forecast_hours": 1})
        return [hour for hour in hours if hour["time"] <= now.timestamp() and hour.get("temperature_2m") is not None]

    def archived(
        self, what: str, latitude: float, longitude: float, since: datetime, until: datetime
    ) -> Iterator[tuple[list[dict[str, Any]], datetime]]:
        """The hours from ``since`` to ``until`` (both inclusive), in parts, each with the time up to which it is whole.

        Raises:
            ServiceError: the archive does not reach as far yet; what there is came before. Others as ``now_of``.
        """
        url, first = f"{self._options.archive_url}/v1/archive", since.astimezone(UTC)
        while first <= until:
            last = min(first.date() + timedelta(days=_DAYS - 1), until.astimezone(UTC).date())
            end = min(until, _midnight(last) + timedelta(hours=23))
            days = {"start_date": str(first.date()), "end_date": str(last)}
            wanted = range(-(int(-first.timestamp()) // _HOUR) * _HOUR, int(end.timestamp()) + 1, _HOUR)
            hours = self._ask(what, url, latitude, longitude, days) if wanted else []
            there = [hour for hour in hours if hour["time"] in wanted and hour.get("temperature_2m") is not None]
            if there:
                yield there, datetime.fromtimestamp(there[-1]["time"], UTC)
            if len(there) < len(wanted):
                raise ServiceError(
                    what, f"the archive has {len(there)} of the {len(wanted)} hours from {days['start_date']} to "
                    f"{days['end_date']}; hours come up to five days late",
                    "run it again later, or ask for less with --until: what was read stays and is not sent twice",
                )  # fmt: skip
            first = _midnight(last) + timedelta(days=1)

    def _ask(
        self, what: str, url: str, latitude: float, longitude: float, more: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        params = {
            "latitude": latitude, "longitude": longitude, "hourly": ",".join(_VARIABLES), "timezone": "GMT",
            "timeformat": "unixtime", "wind_speed_unit": "ms", **more,
        }  # fmt: skip
        if key := self._options.api_key.get_secret_value():
            params["apikey"] = key

        def call() -> Any:
            answer = self._http.send(what, url, params)
            if answer.status == 400:
                raise ServiceError(
                    what, f"Open-Meteo refused the question: {_reason(answer.body)}", "ask for other times"
                )
            check_status(what, answer)
            return answer.json(what)

        return _hours(what, self._http.attempt(what, call))


def _reason(body: bytes) -> str:
    """The vendor's ``reason``, which repeats parameters of ours and nothing of a person."""
    try:
        return str(json.loads(body)["reason"])[:200]
    except (ValueError, KeyError, TypeError):
        return "it gave no reason"


def _hours(what: str, body: Any) -> list[dict[str, Any]]:
    """Columns as rows.

    Raises:
        ServiceUnavailableError: it is no such answer.
        ServiceError: the units are not those asked for: 20 km/h taken for 20 m/s would be a storm.
    """
    hourly, units = (body.get("hourly"), body.get("hourly_units")) if isinstance(body, dict) else (None, None)
    if not isinstance(hourly, dict) or not isinstance(units, dict):
        raise ServiceUnavailableError(what, "the answer has no hours")
    wrong = [name for name, unit in _UNITS.items() if name in hourly and units.get(name) != unit]
    if wrong:
        raise ServiceError(what, f"{', '.join(wrong)}: not in the unit that was asked for")
    times = hourly.get("time")
    columns = {name: hourly.get(name) for name in _VARIABLES}
    if not isinstance(times, list) or not all(
        isinstance(one, list) and len(one) == len(times) for one in columns.values()
    ):
        raise ServiceUnavailableError(what, "the answer's columns are not of one length")
    return [
        {"time": time, **{name: column[at] for name, column in columns.items()}}  # type: ignore[index]
        for at, time in enumerate(times)
        if isinstance(time, int)
    ]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def observation(hour: Mapping[str, Any]) -> dict[str, Any]:
    """One native hour by our names: degrees Celsius, percent, hPa, m/s, and millimetres of the hour before.

    Raises:
        DataError: its time is missing.
    """
    time = required(hour, "time")
    try:
        observed = moment(time)
    except ValueError as error:
        raise DataError("record", f"time: {error}") from None
    found = {ours: hour.get(theirs) for theirs, ours in _VARIABLES.items()}
    return {**found, "observed_at": observed}
