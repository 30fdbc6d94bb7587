"""Pictures of the dashboards for docs/monitoring.md, drawn from the running Prometheus: no Grafana is needed.

    mxctl local up --with monitoring && python scripts/draw_panels.py [--prometheus URL] [--minutes 15] [FOLDER]

Needs matplotlib (``pip install matplotlib``). Places, queries, names of series and units are those of the dashboards.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from show_panels import DEPLOY, INTERVAL, add_prometheus, prometheus_of

FOLDER = DEPLOY.parent / "docs" / "images"
POINTS = 120
SERIES = 8  # named in a legend
COLUMNS, ROW = 24, 0.3  # Grafana's grid; inches a row
UNITS = {"s": "s", "ms": "ms", "ops": "/s", "bytes": "B", "Bps": "B/s", "percentunit": "%", "short": ""}
Series = list[tuple[str, list[float], list[float]]]


def asked(prometheus: str, panel: dict[str, Any], minutes: int) -> Series:
    """Name, times and values of every series of a panel."""
    now, found = time.time(), []
    for target in panel["targets"]:
        query = {
            "query": target["expr"].replace("$__rate_interval", INTERVAL),
            "start": now - 60 * minutes,
            "end": now,
            "step": max(5, 60 * minutes // POINTS),
        }
        answer = requests.get(f"{prometheus}/api/v1/query_range", params=query, timeout=30).json()
        if answer["status"] != "success":
            raise ValueError(f"{target['expr']}: {answer.get('error')}")
        for one in answer["data"]["result"]:
            points = [(float(at), float(value)) for at, value in one["values"] if math.isfinite(float(value))]
            if points:
                times, values = zip(*points, strict=True)
                found.append((named(target.get("legendFormat", ""), one["metric"]), [*times], [*values]))
    return found


def named(form: str, labels: dict[str, str]) -> str:
    """A series' name as Grafana forms it."""
    if form == "__auto":
        form = ""
    name = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), form)
    return name or ", ".join(value for key, value in labels.items() if key != "__name__")


def written(value: float, unit: str) -> str:
    """A value with its unit, in three digits."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size and unit not in {"s", "ms"}:
            return f"{value / size:.3g} {letter}{UNITS.get(unit, '')}"
    return f"{value:.3g} {UNITS.get(unit, '')}".rstrip()


def draw(axes: Any, panel: dict[str, Any], series: Series) -> None:
    """One panel: lines over time; of a stat, a gauge or a state its values now."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit", "short")
    lines = panel["type"] == "timeseries"
    more = f" ({SERIES} of {len(series)} series named)" if lines and len(series) > SERIES else ""
    axes.set_title(panel["title"] + more, fontsize=8, loc="left", fontweight="bold")
    if not series:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No data", ha="center", va="center", fontsize=8, color="gray")
        return
    if not lines:
        axes.set_axis_off()
        up = {0.0: "down", 1.0: "up"} if panel["type"] == "state-timeline" else {}
        rows = [f"{up.get(values[-1]) or written(values[-1], unit)}   {name}" for name, _, values in series]
        axes.text(0, 0.95, "\n".join(rows), va="top", fontsize=14 if len(rows) == 1 else 7, transform=axes.transAxes)
        return
    for name, times, values in series:
        moments = [datetime.fromtimestamp(at, UTC) for at in times]
        axes.plot(moments, values, linewidth=1, label=name if len(name) < 44 else f"{name[:42]}…")
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step["value"] and step["value"] <= axes.get_ylim()[1]:
            axes.axhline(step["value"], color=step["color"], linewidth=0.8, linestyle="--")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.yaxis.set_major_formatter(lambda value, _: written(value, unit))
    axes.tick_params(labelsize=6)
    axes.grid(alpha=0.25)
    axes.legend(*(one[:SERIES] for one in axes.get_legend_handles_labels()), fontsize=5.5, ncols=2, loc="upper left")


def picture(prometheus: str, dashboard: dict[str, Any], minutes: int, file: Path) -> int:
    """Draw a dashboard into ``file``; returns how many panels had no data."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found]
    from matplotlib.dates import DateFormatter  # type: ignore[import-not-found]

    panels = [one for one in dashboard["panels"] if "targets" in one]
    rows = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in panels)
    figure = plt.figure(figsize=(13, rows * ROW), dpi=90)
    grid = figure.add_gridspec(rows, COLUMNS, left=0.05, right=0.98, top=1 - 0.7 / (rows * ROW), bottom=0.02)
    empty = 0
    for panel in panels:
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        axes = figure.add_subplot(grid[y : y + max(1, h - 2), x : x + w - 1])
        series = asked(prometheus, panel, minutes)
        empty += not series
        draw(axes, panel, series)
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    figure.suptitle(dashboard["title"], x=0.05, y=0.995, ha="left", fontsize=11)
    figure.savefig(file)
    plt.close(figure)
    return empty


def main() -> int:
    """Draw all dashboards; 1 when a panel has no data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    add_prometheus(parser)
    parser.add_argument("--minutes", type=int, default=15)
    given = parser.parse_args()
    prometheus = prometheus_of(given)
    empty = 0
    for source in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        file = given.folder / f"grafana-{source.stem}.png"
        without = picture(prometheus, json.loads(source.read_text()), given.minutes, file)
        print(f"{file}: {file.stat().st_size // 1024} kB, {without} panels without data")
        empty += without
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
