"""What every panel of the dashboards shows now, as a table: panel × query × value. For machines without Grafana.

    python scripts/show_panels.py [--prometheus URL] [-o table|json]

Without ``--prometheus`` it asks the one of the local stack (``mxctl local up --with monitoring``).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
import yaml  # type: ignore[import-untyped]

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
INTERVAL = "1m"  # stands for Grafana's $__rate_interval
Series = list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Query:
    """One expression: ``where`` is a dashboard or a file of rules, ``what`` its panel or rule."""

    where: str
    what: str
    expr: str


def panel_queries() -> Iterator[Query]:
    """Every query of every panel."""
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield Query(file.stem, panel["title"], target["expr"])


def rules(kind: str) -> Iterator[Query]:
    """Every rule: ``kind`` is alert or record."""
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                if kind in rule:
                    yield Query(file.stem, rule[kind], rule["expr"])


def ask(prometheus: str, expr: str) -> Series:
    """Labels and value of each series now."""
    query = expr.replace("$__rate_interval", INTERVAL)
    answer = requests.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=30)
    document = answer.json()
    if document["status"] != "success":
        raise ValueError(f"{expr}: {document.get('error')}")
    return [(one["metric"], float(one["value"][1])) for one in document["data"]["result"]]


def finite(series: Series) -> Series:
    """Those with a number: a quantile of nothing is none."""
    return [(labels, value) for labels, value in series if math.isfinite(value)]


def local_prometheus() -> str:
    """Address of the local stack's Prometheus; empty when it has none."""
    from glue.settings import state_dir

    try:
        parts = json.loads((state_dir() / "state.json").read_text())["parts"]
        return f"http://127.0.0.1:{parts['prometheus']['ports']['http']}"
    except (OSError, KeyError, ValueError):
        return ""


def add_prometheus(parser: argparse.ArgumentParser) -> None:
    """The option that names another Prometheus than the local stack's."""
    parser.add_argument("--prometheus", default="")


def prometheus_of(given: argparse.Namespace) -> str:
    """The address given, or the local stack's; the program ends with exit code 2 when nothing answers there."""
    found = str(given.prometheus or local_prometheus())
    try:
        ask(found, "vector(1)")
    except (requests.RequestException, ValueError, KeyError):
        why = f"Prometheus does not answer at {found}" if found else "no Prometheus"
        print(f"Error: {why}\n  fix: mxctl local up --with monitoring, or give --prometheus", file=sys.stderr)
        sys.exit(2)
    return found


def main() -> int:
    """Print the table; 1 when a panel shows nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_prometheus(parser)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    given = parser.parse_args()
    prometheus = prometheus_of(given)
    empty = 0
    rows = []
    for query in panel_queries():
        found = finite(ask(prometheus, query.expr))
        empty += not found
        rows.append({**asdict(query), "series": len(found), "values": [round(value, 4) for _, value in found]})
    if given.output == "json":
        print(json.dumps(rows, indent=1))
        return 1 if empty else 0
    for row in rows:
        values = " ".join(f"{value:g}" for value in row["values"][:6]) + (" …" if row["series"] > 6 else "")
        print(f"{row['where']:<10} {row['what']:<38} {values or 'nothing':<46} {row['expr']}")
    return 1 if empty else 0


if __name__ == "__main__":
    sys.exit(main())
