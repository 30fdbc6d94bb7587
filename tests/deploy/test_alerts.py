"""Alert rules: promtool finds them right, each is tested, and each leads to an entry of the runbook that helps."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from glue.local.monitoring import JOBS, program

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
TESTS = sorted((Path(__file__).parent / "alerts").glob("*.yml"))
CRITERIA = {
    "UptimeBelowTarget": "0.995",
    "SourceSuccessBelowTarget": "0.95",
    "EmbeddingSlow": "0.1",
    "DeadLettersAboveTarget": "0.02",
    "ValidationBelowTarget": "0.98",
    "SourceToStoreSlow": "5",
}


def promtool(*arguments: str) -> str:
    done = subprocess.run([str(program("promtool")), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in alerts()]


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    said = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert f"{len(ALERTS)} rules found" in said


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", str(file))


def test_promtool_would_notice_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    broken = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())
    for group in broken["groups"]:
        for rule in group["rules"]:
            rule["expr"] = f"({rule['expr']}) and vector(1) == 2"
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(broken))
    for file in (one for one in TESTS if one.stem != "absent"):
        tests = yaml.safe_load(file.read_text())
        tests["rule_files"] = [str(PROMETHEUS / "rules" / "recording.yml"), str(tmp_path / "alerts.yml")]
        (tmp_path / file.name).write_text(yaml.safe_dump(tests))
        with pytest.raises(AssertionError):
            promtool("test", "rules", str(tmp_path / file.name))


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_is_tested_firing_quiet_and_without_its_series(rule: dict[str, Any]) -> None:
    fires = quiet = absent = False
    for file in TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            mine = [one for one in test["alert_rule_test"] if one["alertname"] == rule["alert"]]
            fires |= any(one["exp_alerts"] for one in mine) and bool(test["input_series"])
            quiet |= bool(mine) and bool(test["input_series"]) and not any(one["exp_alerts"] for one in mine)
            absent |= bool(mine) and not test["input_series"]
    assert (fires, quiet, absent) == (True, True, True)


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_says_what_it_is_and_its_entry_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor == rule["alert"].lower()
    entry = re.search(rf"^### {rule['alert']}\n(.*?)(?=^##|\Z)", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert entry, f"no entry in {page}"
    assert "**Look at** " in entry[1] and "**Do** " in entry[1]


def test_the_runbook_has_no_entry_without_an_alert() -> None:
    titles = set(re.findall(r"^### (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE))
    assert titles == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize(("alert", "limit"), CRITERIA.items())
def test_each_criterion_has_its_alert_at_its_limit(alert: str, limit: str) -> None:
    (rule,) = [one for one in alerts() if one["alert"] == alert]
    assert rule["expr"].split()[-1] == limit


def test_every_job_is_missed_when_it_has_no_target_and_the_local_stack_gives_it_one() -> None:
    jobs = {one["job_name"] for one in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]}
    (missing,) = [one for one in alerts() if one["alert"] == "PartMissing"]
    assert set(re.findall(r'job="(\w+)"', missing["expr"])) == jobs
    assert jobs == {*JOBS, "glue"}
