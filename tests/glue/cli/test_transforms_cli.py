"""``mxctl transforms list|describe|test``, on the project's own chains."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from glue.cli.transforms import transforms
from glue.errors import UsageError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(transforms, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_shows_chains_and_parts() -> None:
    listed: dict[str, Any] = json.loads(run("list", "-o", "json"))
    assert {row["name"] for row in listed["chains"]} == {"orders", "posts", "prices", "vectors"}
    assert all(row["from"] and row["to"] and row["tests"] for row in listed["chains"])
    assert yaml.safe_load(run("list", "-o", "yaml")) == listed
    assert "posts" in run("list") and "ScrubPII" in run("list")


def test_describe_explains_every_setting() -> None:
    told = json.loads(run("describe", "ScrubPII", "-o", "json"))
    text = run("describe", "ScrubPII")
    assert told["settings"] and all(setting["name"] in text and setting["doc"] in text for setting in told["settings"])
    with pytest.raises(UsageError, match="it does not exist"):
        run("describe", "ScrubPI")


def test_the_cases_in_the_files_pass_and_a_chain_can_be_chosen() -> None:
    results = json.loads(run("test", "prices", "-o", "json"))
    assert results and {one["chain"] for one in results} == {"prices"}
    assert run("test", "prices").endswith(f"{len(results)} of {len(results)} passed\n")
    with pytest.raises(UsageError, match="nope"):
        run("test", "nope")
