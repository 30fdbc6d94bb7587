"""The calendar of the vendors' API versions: what the doctor says, and what a source notices."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors.api_versions import WARN_BEFORE, calendar, verdict, verdicts
from glue.cli.main import cli
from glue.settings import Settings, project_root
from sandbox.versions import graph_version, shopify_version

Make = Callable[..., Any]
END = date(2027, 1, 1)  # of Shopify's 2026-01


@pytest.mark.parametrize(
    ("version", "today", "state", "says"),
    [
        ("2026-01", END - WARN_BEFORE - timedelta(days=1), "ok", "supported until 2027-01-01"),
        ("2026-01", END - WARN_BEFORE, "warn", "in 60 days"),
        ("2026-01", END - timedelta(days=1), "warn", "in 1 days"),
        ("2026-01", END, "fail", "ended on 2027-01-01"),
        ("2024-10", END, "fail", "ended on 2025-10-01"),
        ("2031-01", END, "fail", "not in the calendar"),
    ],
)
def test_a_version_warns_sixty_days_before_its_end_and_fails_after(
    version: str, today: date, state: str, says: str
) -> None:
    found = verdict("shopify", "shopify", version, today)
    assert (found.state, says in found.detail) == (state, True)
    assert ("declare 2026-10" in found.fix) is (state != "ok")


def test_the_declared_sources_ask_for_versions_that_last() -> None:
    settings = Settings(profile="prod", config_dir=project_root() / "connect-config")
    found = list(verdicts(settings, date(2026, 12, 1)))
    assert {(one.detail.split(":")[0], one.state) for one in found} == {
        ("source shopify", "ok"),
        ("source facebook", "ok"),
    }


def test_the_calendar_agrees_with_the_vendors_rule_of_a_year() -> None:
    """The sandbox computes what Shopify supports, the calendar lists it: they must say the same on any day listed."""
    ours = [one for one in calendar() if one.vendor == "shopify"]
    for day in (date(2026, 1, 1), date(2026, 9, 30), date(2026, 10, 1), date(2026, 12, 31)):
        lives = {one.version for one in ours if one.released <= day and (one.supported_until or date.max) > day}
        assert lives == {one.version for one in ours if shopify_version(one.version, day) == one.version}
    assert shopify_version("2024-10", date(2026, 12, 31)) == "2026-01"
    assert shopify_version("2024-10", date(2027, 1, 1)) == "2026-04"
    assert graph_version("v21.0", date(2027, 1, 21)) == "v22.0"


@pytest.mark.parametrize(
    ("name", "dead", "lives"),
    [("shopify", {"api_version": "2024-10"}, {}), ("facebook", {"graph_url": "{}/facebook/v3.1"}, {})],
)
def test_a_source_notices_that_another_version_answers(
    name: str, dead: dict[str, str], lives: dict[str, str], make_sandbox: Make, local_config: Make, offline: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    sandbox = make_sandbox("--posts", "10", "--orders", "5")
    for options, other in ((dead, True), (lives, False)):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            given = {key: value.format(sandbox.address) for key, value in options.items()}
            source = offline(local_config(name, sandbox, given))
            assert source.read(), "the vendor serves a version that ended"
        assert (source.stats.other_version > 0) is other
        assert caplog.text.count("was asked for") == (1 if other else 0)


def test_a_version_that_does_not_exist_yet_is_refused(make_sandbox: Make, local_config: Make, offline: Make) -> None:
    source = offline(local_config("shopify", make_sandbox("--orders", "5"), {"api_version": "2099-01"}))
    with pytest.raises(Exception, match="404"):
        source.read()


def test_the_doctor_looks_at_versions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("glue.topology.doctor._CHECKS", ())
    monkeypatch.setattr("connectors.api_versions.WARN_BEFORE", timedelta(days=36_500))
    made = CliRunner().invoke(cli, ["doctor", "-o", "json"])
    found = [(one["check"], one["state"]) for one in json.loads(made.stdout)]
    assert found == [("versions", "warn"), ("versions", "warn")]
