"""Dashboards: they explain themselves, show the criteria at their limits, and need only the provisioned datasource."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
# Criterion -> unit, limit, and whether more is better.
CRITERIA = {
    "Uptime, 1 day": ("percentunit", 0.995, True),
    "Source success, worst": ("percentunit", 0.95, True),
    "Embedding, P95": ("s", 0.1, False),
    "Dead letters, worst stage": ("percentunit", 0.02, False),
    "Valid records, worst chain": ("percentunit", 0.98, True),
    "Source to store, P95": ("s", 5, False),
}


def load(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def provisioned() -> str:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    return str(source["uid"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_explain_themselves_and_use_the_provisioned_datasource(file: Path) -> None:
    board = load(file)
    assert board["title"] and board["description"] and len(board["panels"]) <= 12
    assert board["editable"] is False
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)
    for panel in board["panels"]:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
            assert source == {"type": "prometheus", "uid": provisioned()}, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_lie_beside_each_other(file: Path) -> None:
    places = [panel["gridPos"] for panel in load(file)["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, two in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= two["x"]
            or two["x"] + two["w"] <= one["x"]
            or one["y"] + one["h"] <= two["y"]
            or two["y"] + two["h"] <= one["y"]
        )
        assert apart, (one, two)


def test_the_overview_shows_each_criterion_at_its_limit() -> None:
    panels = {panel["title"]: panel for panel in load(GRAFANA / "dashboards" / "overview.json")["panels"]}
    for title, (unit, limit, more_is_better) in CRITERIA.items():
        defaults = panels[title]["fieldConfig"]["defaults"]
        first, second = defaults["thresholds"]["steps"]
        assert (defaults["unit"], second["value"], first["value"]) == (unit, limit, None)
        assert (first["color"], second["color"]) == (("red", "green") if more_is_better else ("green", "red"))


def test_boards_have_names_of_their_own_and_are_found_by_grafana() -> None:
    boards = [load(file) for file in FILES]
    assert len({board["uid"] for board in boards}) == len(boards) == 6
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "millionx.yml").read_text())["providers"]
    assert provider["type"] == "file" and provider["allowUiUpdates"] is False


register_default_plugins()  # panels and queries are read by the type that they name


def lost(written: Any, read: Any, path: str = "") -> list[str]:
    """Paths in ``written`` that ``read`` has not, or otherwise."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [one for key, value in written.items() for one in lost(value, read.get(key), f"{path}.{key}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [one for index, (mine, theirs) in pairs for one in lost(mine, theirs, f"{path}[{index}]")]
    return [] if written == read else [path]


def through_grafana(board: dict[str, Any]) -> Any:
    """The board as Grafana's own library reads and writes it: what its schema does not have is gone."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(board)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafanas_library_reads_every_field(file: Path) -> None:
    assert lost(load(file), through_grafana(load(file))) == []


@pytest.mark.parametrize(
    ("place", "field"),
    [("", "titel"), ("panels.0", "datasoruce"), ("panels.0.fieldConfig.defaults", "unti"),
     ("panels.0.targets.0", "exrp"), ("panels.0.fieldConfig.defaults.thresholds.steps.0", "valeu")],
)  # fmt: skip
def test_a_misspelt_field_is_found(place: str, field: str) -> None:
    board = load(FILES[0])
    inner: Any = board
    for step in filter(None, place.split(".")):
        inner = inner[int(step) if step.isdigit() else step]
    inner[field] = "x"
    (path,) = lost(board, through_grafana(board))
    assert path.endswith(f".{field}")
