"""Weather: how bad it is, what is not measured, who observed it, and what was before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import ThrottledError
from connectors.models import WeatherData
from connectors.source import Window
from connectors.weather_severity import Code, code_of, heat_index, severity
from glue.errors import ConfigError, ServiceError, UsageError

Make = Callable[..., Any]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def graded(rain: float | None = 0.0, temperature: float = 25, humidity: float = 50, wind: float = 0.0,
           *codes: Code) -> tuple[Any, Any, Any]:  # fmt: skip
    found = severity(temperature, humidity, wind, rain, list(codes))
    return found["severity"], found["severity_cause"], found["rain_class"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((0.0,), (0, None, "none")),
        ((0.1,), (1, "rain", "slight")), ((2.4,), (1, "rain", "slight")), ((2.5,), (2, "rain", "moderate")),
        ((9.9,), (2, "rain", "moderate")), ((10,), (3, "rain", "heavy")), ((50,), (4, "rain", "violent")),
        ((0.0, 36, 10), (1, "heat", "none")),
        ((0.0, 40, 10), (3, "heat", "none")), ((0.0, 42, 10), (4, "heat", "none")),
        ((0.0, 35, 70), (2, "heat", "none")),  # by the heat index: 50 °C
        ((0.0, 10), (1, "cold", "none")), ((0.0, 4), (4, "cold", "none")), ((0.0, 10.1), (0, None, "none")),
        ((0.0, 25, 50, 17.1), (1, "wind", "none")), ((0.0, 25, 50, 17.2), (2, "wind", "none")),
        ((0.0, 25, 50, 33.0), (4, "wind", "none")),
    ],
)  # fmt: skip
def test_grades_follow_the_classes_of_their_sources(given: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert graded(*given) == expected


def test_a_code_that_says_rain_without_a_measure_counts_by_its_own_word() -> None:
    storm, tornado = code_of("openweather", 211), code_of("openweather", 781)
    heavy, haze = code_of("openweather", 502), code_of("openweather", 721)
    assert storm and tornado and heavy and haze
    assert graded(None, 25, 50, 0, heavy) == (3, "rain", "heavy")
    assert graded(None, 25, 50, 0, haze, storm) == (2, "thunderstorm", "unmeasured")
    assert graded(0.0, 25, 50, 0, tornado) == (4, "tornado", "none")
    assert graded(60.0, 25, 50, 0, storm) == (4, "rain", "violent"), "a measure counts more than a word"


def test_a_code_that_is_not_known_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert code_of("openweather", 599) is None
    assert "599" in caplog.text


@pytest.mark.parametrize(
    ("fahrenheit", "humidity", "expected"), [(90, 70, 106), (100, 55, 124), (86, 90, 105), (80, 40, 80), (110, 40, 136)]
)
def test_the_heat_index_is_that_of_the_published_table(fahrenheit: float, humidity: float, expected: float) -> None:
    index = heat_index((fahrenheit - 32) / 1.8, humidity) * 1.8 + 32
    assert index == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    ("more", "rain"),
    [
        ({"weather": [{"id": 501, "main": "Rain"}]}, None),
        ({"weather": [{"id": 721, "main": "Haze"}, {"id": 211, "main": "Thunderstorm"}]}, None),
        ({"weather": [{"id": 501, "main": "Rain"}], "rain": {"1h": 0.3}}, 0.3),
        ({"weather": [{"id": 501, "main": "Rain"}], "rain": {"3h": 6}}, 2.0),
        ({"weather": [{"id": 800, "main": "Clear"}]}, 0.0),
    ],
)  # fmt: skip
def test_rain_without_a_measure_is_rain_of_an_unknown_amount(
    more: dict[str, Any], rain: float | None, make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    source = offline(local_config("weather", make_sandbox())).source
    body = {"main": {"temp": 25.0, "humidity": 50}, "dt": 1_700_000_000, **more}
    (fields,) = source.parse({"city": {"name": "Dhaka", "latitude": 23.8, "longitude": 90.4}, "body": body}, NOON)
    made = WeatherData.model_validate(fields)
    assert made.rain_1h == rain
    assert made.is_extreme_weather is (rain != 0.0)
    assert (made.severity or 0) >= (0 if rain == 0.0 else 1)
    assert made.collected_at == NOON
    assert made.observed_at == datetime.fromtimestamp(1_700_000_000, UTC), "the vendor's time is not ours"


def test_without_a_key_the_weather_is_open_meteos(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    sandbox = make_sandbox()
    source = offline(local_config("weather", sandbox, {"api_key": ""}))
    records = [WeatherData.model_validate(one) for one in source.read()]
    assert {one.provider for one in records} == {"open-meteo"}
    assert {one.city for one in records} == {"Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi"}
    assert all(one.observed_at <= datetime.now(UTC) and one.observed_at.minute == 0 for one in records)
    assert all(one.severity is not None and one.condition in ("Fog", "Rain") for one in records)
    nobody = offline(local_config("weather", sandbox, {"api_key": "", "open_meteo": {"forecast_url": ""}}))
    with pytest.raises(ConfigError, match="no key of OpenWeather"):
        nobody.read()


def test_a_window_is_read_from_the_archive_hour_by_hour(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("weather", make_sandbox()))
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 10 * DAY
    since = until - 20 * DAY
    records = [WeatherData.model_validate(one) for one in source.read(Window(since, until))]
    assert len(records) == len({one.key for one in records}) == 5 * (20 * 24 + 1)
    dhaka = sorted(one.observed_at for one in records if one.city == "Dhaka")
    assert dhaka == [since + timedelta(hours=at) for at in range(20 * 24 + 1)]
    assert set(source.cursors[-1]["archived"]) == {one.city for one in records}
    again = offline(local_config("weather", make_sandbox()))
    rest = again.read(Window(since, until), source.cursors[-1])
    assert {one["observed_at"] for one in rest} == {until}, "it goes on where each city was"


def test_hours_between_two_full_ones_are_none(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("weather", make_sandbox()))
    assert source.read(Window(NOON + timedelta(minutes=10), NOON + timedelta(minutes=50))) == []


def test_an_archive_that_is_late_says_so_and_what_there_is_stays(
    make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    source = offline(local_config("weather", make_sandbox()))
    found: list[Any] = []
    with pytest.raises(ServiceError, match="five days late") as caught:
        for page in source.source.pages(Window(datetime.now(UTC) - 8 * DAY), {}):
            found += page.records
    assert "--until" in caught.value.fix
    assert {raw["city"]["name"] for raw in found} == {"Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi"}
    assert all(raw["hour"]["temperature_2m"] is not None for raw in found)


@pytest.mark.parametrize(
    ("window", "options", "why"),
    [
        (Window(NOON, NOON + DAY), {"open_meteo": {"archive_url": ""}}, "no archive is declared"),
        (Window(None, NOON), {}, "--until needs --since"),
    ],
)
def test_a_past_that_nobody_can_tell_is_refused_by_name(
    window: Window, options: dict[str, Any], why: str, make_sandbox: Make, local_config: Make, offline: Make
) -> None:
    with pytest.raises(UsageError, match=why):
        offline(local_config("weather", make_sandbox(), options)).read(window)


def test_what_the_archive_refuses_is_told_in_its_words(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("weather", make_sandbox()))
    with pytest.raises(ServiceError, match="out of allowed range from 1940"):
        source.read(Window(datetime(1939, 1, 1, tzinfo=UTC), datetime(1939, 1, 2, tzinfo=UTC)))
    retry = {"attempts": 2, "throttled_attempts": 2, "base_seconds": 0.02, "cap_seconds": 0.1}
    throttled = offline(local_config("weather", make_sandbox(fault=["throttle"]), retry=retry))
    with pytest.raises(ThrottledError):
        throttled.read(Window(NOON, NOON + DAY))


def test_units_that_were_not_asked_for_are_refused(
    make_sandbox: Make, local_config: Make, offline: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offline(local_config("weather", make_sandbox()))
    monkeypatch.setitem(__import__("connectors.open_meteo", fromlist=["_UNITS"])._UNITS, "wind_speed_10m", "knots")
    with pytest.raises(ServiceError, match="wind_speed_10m: not in the unit"):
        source.read(Window(NOON, NOON + DAY))
