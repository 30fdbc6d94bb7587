"""The command line against a real cluster: what a user types, what is printed, what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from glue.topology.services import Services

from .project import RECORD, Project
from .typed import Done, mxctl
from .workers import Workers

pytestmark = pytest.mark.stack


def test_plan_apply_drift_plan(live: Project, tmp_path: Path) -> None:
    """The whole way as a user goes it: plan, apply, again, drift, refuse the old plan, history, rollback."""
    name, p = f"{live.prefix}-sink", live.prefix
    kinds = [word for kind in ("topic", "subject", "chain", "connector") for word in ("--kind", kind)]
    first = mxctl(live, "plan", *kinds, "--detailed-exitcode", NO_COLOR="1")
    assert first.returncode == 3
    assert f"+ topic {p}.things\n    partitions: 2\n" in first.stdout and "\x1b" not in first.stdout
    assert first.stdout.endswith("Plan: 3 to create.\n")
    assert "nothing was written" in mxctl(live, "apply", *kinds, "--dry-run").stdout
    applied = mxctl(live, "apply", *kinds, "--stable-for", "1", "-o", "json")
    assert applied.returncode == 0, applied.stderr
    body = json.loads(applied.stdout)
    assert len(body["changes"]) == 3 and body["connectors"] == {name: "RUNNING, 2/2 tasks RUNNING"}
    again = mxctl(live, "apply", *kinds)
    assert "Nothing to change" in again.stdout
    assert mxctl(live, "plan", *kinds, "--detailed-exitcode").returncode == 0
    live.connector("sink", probe_number="30")
    file = str(tmp_path / "plan.json")
    assert mxctl(live, "plan", *kinds, "--out", file).returncode == 0
    assert mxctl(live, "connectors", "pause", name).stdout == f"connector {name} paused\n"
    drifted = json.loads(mxctl(live, "connectors", "get", "-o", "json").stdout)
    assert [row["state"] for row in drifted if row["name"] == name] == ["PAUSED"]
    mxctl(live, "connectors", "resume", name)
    done = mxctl(live, "apply", file, "--stable-for", "1")
    assert done.returncode == 0 and "Done: 1 update." in done.stdout
    moved = mxctl(live, "apply", file)
    assert moved.returncode == 1 and "has moved since" in moved.stderr
    names = mxctl(live, COMP_WORDS=f"mxctl connectors pause {p}", COMP_CWORD="3", _MXCTL_COMPLETE="bash_complete")
    assert names.stdout == f"plain,{name}\n"
    assert "probe.number = 30" in mxctl(live, "connectors", "describe", name).stdout
    assert mxctl(live, "connectors", "get", "-o", "name").stdout.split().count(name) == 1
    assert len(json.loads(mxctl(live, "history", "-o", "json").stdout)) == 2
    asked = mxctl(live, "rollback", stdin="n\n")
    assert asked.returncode == 1 and "probe.number: 30 → (unset)" in asked.stdout
    back = mxctl(live, "rollback", "--yes", "--stable-for", "1")
    assert back.returncode == 0 and "probe.number" not in mxctl(live, "connectors", "describe", name).stdout
    stopped = mxctl(live, "offsets", "reset", name, "--yes")
    assert stopped.returncode == 1 and "--stop" in stopped.stderr
    assert mxctl(live, "offsets", "reset", name, "--yes", "--stop").returncode == 0
    assert mxctl(live, "connectors", "delete", name, stdin="n\n").returncode == 1
    assert mxctl(live, "connectors", "delete", name, "--yes").stdout == f"connector {name} deleted\n"


def test_no_output_holds_a_secret(live: Project, workers: Workers, tmp_path: Path) -> None:
    """A secret that stands in plain text in a live config, and one that the worker resolves: no command shows them."""
    reference = "${file:secrets/probe.properties:password}"
    live.connector("sink", probe_password=reference)
    kinds = [word for kind in ("topic", "subject", "connector") for word in ("--kind", kind)]
    assert mxctl(live, "apply", *kinds, "--stable-for", "1").returncode == 0
    connect, name = Services(live.settings).connect, f"{live.prefix}-sink"
    literal = f"literal-{workers.secret}"
    connect.put_config(name, {**connect.config(name), "probe.password": literal})
    file = str(tmp_path / "plan.json")
    newest = json.loads(mxctl(live, "history", "-o", "json").stdout)[0]["id"]
    read = [
        *(["connectors", verb, *of, "-o", form] for form in ("table", "json", "yaml")
          for verb, of in (("get", ()), ("describe", (name,)))),
        *(["plan", *kinds, "-o", form] for form in ("table", "json", "yaml")),
        ["plan", *kinds, "--out", file], ["apply", *kinds, "--dry-run"], ["validate", "--live"],
        *(["graph", "--live", "-o", form] for form in ("text", "mermaid", "html")),
        ["history", newest, "-o", "yaml"], ["offsets", "get", name], ["doctor", "-o", "json"],
        ["plugins", "explain", "probe.password"], ["export", "files", str(tmp_path / "out")],
        ["apply", *kinds, "--stable-for", "1", "-o", "json"], ["history", "-o", "json"], ["rollback", "--dry-run"],
    ]  # fmt: skip
    for arguments in read:
        done = mxctl(live, *arguments, MXCTL_LOG_LEVEL="DEBUG")
        assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr, arguments
        assert workers.secret not in done.stdout + done.stderr, arguments
    written = [path for path in [Path(file), *(tmp_path / "out").rglob("*")] if path.is_file()]
    assert len(written) > 3 and not [path for path in written if workers.secret in path.read_text()]
    assert connect.config(name)["probe.password"] in (reference, literal)


def test_failure_in_the_terminal(live: Project, workers: Workers) -> None:
    """A connector may print its secrets when it fails; the worker resolved this one, and nobody else knows it."""
    text = "no disk; password=${file:secrets/probe.properties:password}"
    live.connector("sink", fail_when="start", fail_text=text)
    done = mxctl(live, "apply", "--kind", "topic", "--kind", "connector", "--timeout", "60", "--rollback")
    assert done.returncode == 1
    assert f"Error: connector {live.prefix}-sink" in done.stderr
    assert "java.lang.IllegalStateException: no disk; password=******" in done.stderr
    assert "rolled back: topic" in done.stderr and workers.secret not in done.stderr + done.stdout


def complete(live: Project, words: str) -> list[str]:
    """What the shell would offer for the last word (empty where ``words`` ends in a blank)."""
    count = len(words.split(" ")) - 1
    done = mxctl(live, COMP_WORDS=words, COMP_CWORD=str(count), _MXCTL_COMPLETE="bash_complete")
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_every_group_as_typed(live: Project) -> None:
    """Topics, subjects, plugins, connectors and offsets: each command once, with what it prints and changes."""
    name, p = f"{live.prefix}-sink", live.prefix
    subject, topic = f"{p}.things-value", f"{p}.things"

    def good(*arguments: str) -> str:
        done: Done = mxctl(live, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def refused(code: int, says: str, *arguments: str) -> None:
        done = mxctl(live, *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (arguments, done.stderr)
        assert says in done.stdout + done.stderr, (arguments, done.stderr)

    good("topics", "apply")
    states = {row["name"]: row["state"] for row in yaml.safe_load(good("topics", "get", "-o", "yaml"))}
    assert states[topic] == "as declared" and topic in good("topics", "get", "-o", "name").split()
    refused(2, "not declared", "schemas", "register", "nope")
    assert "registered" in good("schemas", "register", subject)
    assert "already as declared" in good("schemas", "register", subject)
    good("schemas", "apply")
    assert json.loads(good("schemas", "get", subject))["schema"]["name"] == "Thing"
    assert good("schemas", "diff", subject) == "no difference\n"
    assert good("schemas", "check", subject) == f"{subject}: compatible\n"
    assert good("schemas", "compatibility", subject) == "BACKWARD\n"
    live.subjects({"things": {**RECORD, "fields": [*RECORD["fields"], {"name": "must", "type": "int"}]}})
    refused(1, "not compatible", "schemas", "check", subject)
    assert "schema.must" in good("schemas", "diff", subject)
    refused(1, "nothing has been written", "schemas", "apply")
    live.subjects({"things": RECORD})
    assert "Done: 1 create." in good("connectors", "apply", "--stable-for", "1")
    assert "RUNNING" in good("connectors", "get") and name in good("connectors", "get", "-o", "name").split()
    assert good("connectors", "restart", name, "--failed") == f"connector {name} has nothing failed\n"
    assert good("connectors", "restart", name) == f"connector {name} restarted\n"
    assert "DEBUG on every worker" in good("connectors", "logs-level", name, "debug")
    assert "probe" in good("connectors", "logs-level", name)
    refused(1, "--stop", "offsets", "set", name, "--to", "latest", "--yes")
    refused(2, "yesterday", "offsets", "set", name, "--to", "yesterday", "--yes")
    good("offsets", "set", name, "--to", "latest", "--yes", "--stop")
    assert {row["topic"] for row in json.loads(good("offsets", "get", name, "-o", "json"))} <= {topic}
    good("connectors", "stop", name)
    good("connectors", "resume", name)
    assert "ProbeSink" in good("plugins", "get", "-o", "name").split()
    assert "probe.number" in good("plugins", "get", "ProbeSink")
    assert "A number of at least 0." in good("plugins", "explain", "probe.number", "--plugin", "ProbeSink")
    refused(2, "probe.number", "plugins", "explain", "probe.numbr", "--plugin", "ProbeSink")
    for command in ("describe", "pause", "restart", "delete", "logs-level"):
        refused(1, "nope", "connectors", command, "nope", *(["--yes"] if command == "delete" else []))
    refused(1, "nope", "offsets", "get", "nope")
    assert complete(live, f"mxctl connectors describe {p}") == [name]
    assert complete(live, f"mxctl schemas get {p}") == [subject]
    assert complete(live, f"mxctl offsets set {name} --topic {p}") == [topic]
    assert complete(live, "mxctl plugins get Probe") == ["ProbeSinkConnector"]
