"""The main job from nothing to a summary, on a stack of its own: made vendors, real producers, real stores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.glue.stores.postgres import Postgres

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(3000)]

LISTINGS = ("daraz-listings, shopify-listings",)  # they write one topic


def run_demo(state_dir: Path, *arguments: str, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "glue", "demo", "-o", "json", *arguments],
        env={**os.environ, "MXCTL_STATE_DIR": str(state_dir), **environment},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "stdout holds the JSON object and nothing else"
    return json.loads(done.stdout)


def running_in(state_dir: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MXCTL_STATE_DIR") == str(state_dir):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_everything_produced_is_stored_once_and_nothing_is_left_running(tmp_path):
    first = run_demo(tmp_path, "--posts", "25", "--orders", "20", "--seed", "7")
    produced = first["produced"]
    assert set(produced) == {"tiktok", "facebook", "shopify", "daraz", "weather", *LISTINGS}
    assert all(count > 0 for count in produced.values()), produced
    assert first["lost"] == first["duplicates"] == 0
    assert first["stored"]["socialpost"] == produced["tiktok"] + produced["facebook"]
    assert first["stored"]["orders"] == produced["shopify"] + produced["daraz"]
    shown = sum(produced[name] for name in LISTINGS)
    assert first["stored"]["price_history"] == first["stored"]["orders"] + shown
    assert first["stored"]["weather_logs"] == produced["weather"] == 5
    assert 0 < first["latency_ms"]["p50"] <= first["latency_ms"]["p95"]
    assert running_in(tmp_path) == []

    again = run_demo(tmp_path, "--posts", "25", "--orders", "20", "--seed", "8")
    assert again["lost"] == again["duplicates"] == 0, "what the first demo stored is neither counted nor stored again"
    assert running_in(tmp_path) == []


def test_the_profile_postgres_stores_the_same(tmp_path):
    with Postgres() as postgres:
        summary = run_demo(tmp_path, "--posts", "25", "--orders", "20", "--seed", "9", **postgres.environment())
        produced, stored = summary["produced"], summary["stored"]
        assert summary["lost"] == summary["duplicates"] == 0
        assert stored["socialpost"] == produced["tiktok"] + produced["facebook"] > 0
        assert stored["orders"] == produced["shopify"] + produced["daraz"] > 0
        assert postgres.ask("select count(*) from raw_data.orders") == [[str(stored["orders"])]]
        assert postgres.ask("select count(*) from raw_data.weather_logs") == [["5"]]
        kinds = dict(postgres.ask("select source_kind, count(*) from raw_data.price_history group by 1"))
        assert kinds == {"order": str(stored["orders"]), "listing": str(sum(produced[name] for name in LISTINGS))}
        shown = "select count(distinct source_kind), count(distinct seller) from raw_data.prices_latest"
        assert postgres.ask(shown) == [["2", "4"]], "one shop and three sellers of Daraz"
    assert running_in(tmp_path) == []
