"""The command line as a process: exit codes, what goes where, and that machines get data and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from glue.cli import output
from glue.topology.services import Services

from .project import Project
from .workers import Workers

Done = subprocess.CompletedProcess[str]


def started(project: Project, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """mxctl in the project, as a process."""
    settings = project.settings
    environment = {
        "PATH": os.environ["PATH"],
        "MXCTL_STATE_DIR": str(project.root / "no-state"),
        "MXCTL_OWNER": settings.owner,
        "MXCTL_CONFIG_DIR": str(settings.config_dir),
        "MXCTL_SCHEMAS_DIR": str(settings.schemas_dir),
        "MXCTL_KAFKA": settings.kafka,
        "MXCTL_CONNECT": settings.connect,
        "MXCTL_REGISTRY": settings.registry,
        **env,
    }
    return subprocess.Popen(
        [sys.executable, "-c", "from glue.cli.main import main; main()", *arguments],
        env=environment,
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def mxctl(project: Project, *arguments: str, stdin: str | None = None, **env: str) -> Done:
    """mxctl in the project, to its end."""
    with started(project, *arguments, **env) as process:
        out, err = process.communicate(stdin)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_validate_tells_file_field_and_fix(project: Project) -> None:
    project.things()
    good = mxctl(project, "validate")
    assert good.returncode == 0 and "no problems" in good.stdout
    project.connector("sink", "nowhere", probe_password="hunter2")
    bad = mxctl(project, "validate")
    assert bad.returncode == 1
    assert "error: sink.json: config.topics: p.nowhere is not declared\n  fix: declare it in topics.json" in bad.stdout
    rows = json.loads(mxctl(project, "validate", "-o", "json").stdout)
    assert {row["field"] for row in rows} == {"config.topics", "config.probe.password"}
    assert yaml.safe_load(mxctl(project, "validate", "-o", "yaml").stdout) == rows
    assert "hunter2" not in bad.stdout + bad.stderr + str(rows)


def test_warnings_fail_only_when_asked(project: Project) -> None:
    project.things()
    project.connector("sink", tasks_max="9")
    assert mxctl(project, "validate").returncode == 0
    assert mxctl(project, "validate", "--strict").returncode == 1


def test_connector_from_stdin(project: Project) -> None:
    project.things()
    body = json.dumps({"name": "x", "config": {"connector.class": "Y", "tasks.max": 1}})
    assert "stdin" in mxctl(project, "validate", "-f", "-", stdin="nonsense").stderr
    assert "config.tasks.max: is a int, not a string" in mxctl(project, "validate", "-f", "-", stdin=body).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["plann"], 2, "Did you mean 'plan'?"),
        (["connectors", "gte"], 2, "Did you mean 'get'?"),
        (["zzz"], 2, "No such command 'zzz'."),
        (["connectors", "get", "--ulr", "x"], 2, "--url"),
        (["connectors", "get", "--url", "localhost"], 2, "no http:// or https:// address"),
        (["validate", "-f", "schemas"], 2, "holds no .json file"),
        (["graph", "--out", "/nowhere/graph.html"], 1, "No such file or directory"),
        (["export", "/proc/nowhere"], 1, "/proc/nowhere"),
        (["dlq", "show", "nonsense"], 2, "topic/partition/offset"),
        (["dlq", "list"], 1, "mxctl local status"),
        (["sandbox", "up", "--port", "80000"], 2, "80000"),
        (["run", "weather", "--every", "0s"], 2, "--every is no time at all"),
        (["run", "weather", "--since", "2026-02-01", "--until", "2026-01-01"], 2, "--since is not before --until"),
        (["--profile", "stage", "plan"], 2, "known profiles: local"),
        (["connectors", "pause"], 2, "name them, or say --all"),
        (["apply", "missing.json"], 2, "mxctl plan --out FILE writes one"),
        (["apply", "-f", "x.json", "--prune"], 2, "--prune"),
        (["connectors", "get"], 1, "does not answer"),
        (["topics", "get"], 1, "is the broker up?"),
        (["schemas", "get"], 1, "is it running?"),
        (["rollback"], 1, "is the broker up?"),
    ],
)  # fmt: skip
def test_errors_have_a_fix_and_an_exit_code(project: Project, arguments: list[str], code: int, text: str) -> None:
    project.things()
    done = mxctl(project, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr and "Traceback" not in done.stderr
    assert "Retrying" not in done.stderr and "rdkafka#" not in done.stderr, "what libraries tell themselves"


def test_ctrl_c_is_no_traceback(project: Project) -> None:
    """SIGINT while a command waits: it ends at once, without a word of Python."""
    project.things()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project.settings.connect = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with started(project, "connectors", "get") as process:
            silent.accept()  # it asks, and nobody answers
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "Aborted!" in err and "Traceback" not in err


def test_doctor_works_where_nothing_else_does(project: Project) -> None:
    project.things()
    done = mxctl(project, "doctor", "-o", "json")
    states = {finding["check"]: finding["state"] for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert (states["python"], states["files"], states["kafka"], states["connect"]) == ("ok", "ok", "fail", "fail")


def test_graph_without_a_cluster(project: Project, tmp_path: Path) -> None:
    project.things()
    assert mxctl(project, "graph").stdout == "○ topic p.things\n  ○ connector p-sink\n"
    assert mxctl(project, "graph", "-o", "mermaid").stdout.startswith("flowchart LR\n")
    page = tmp_path / "graph.html"
    assert mxctl(project, "graph", "-o", "html", "--out", str(page)).stdout == ""
    assert page.read_text().startswith("<!doctype html>")


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert output.paint("FAILED", "red") == "\x1b[31mFAILED\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("FAILED", "red") == "FAILED"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert output.paint("FAILED", "red") == "FAILED"


def test_completion(project: Project) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_MXCTL_COMPLETE" in mxctl(project, "completion", shell).stdout
    words = mxctl(project, COMP_WORDS="mxctl connectors pau", COMP_CWORD="2", _MXCTL_COMPLETE="bash_complete")
    assert words.stdout == "plain,pause\n"
    silent = mxctl(project, COMP_WORDS="mxctl connectors pause ", COMP_CWORD="3", _MXCTL_COMPLETE="bash_complete")
    assert (silent.stdout.strip(), silent.stderr) == ("", "")


@pytest.mark.stack
@pytest.mark.soak
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


@pytest.mark.stack
@pytest.mark.soak
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
        ["plugins", "explain", "probe.password"], ["export", str(tmp_path / "out")],
        ["apply", *kinds, "--stable-for", "1", "-o", "json"], ["history", "-o", "json"], ["rollback", "--dry-run"],
    ]  # fmt: skip
    for arguments in read:
        done = mxctl(live, *arguments, MXCTL_LOG_LEVEL="DEBUG")
        assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr, arguments
        assert workers.secret not in done.stdout + done.stderr, arguments
    written = [path for path in [Path(file), *(tmp_path / "out").rglob("*")] if path.is_file()]
    assert len(written) > 3 and not [path for path in written if workers.secret in path.read_text()]
    assert connect.config(name)["probe.password"] in (reference, literal)


@pytest.mark.stack
@pytest.mark.soak
def test_failure_in_the_terminal(live: Project) -> None:
    live.connector("sink", fail_when="start", fail_text="no disk; password=hunter2")
    done = mxctl(live, "apply", "--kind", "topic", "--kind", "connector", "--timeout", "60", "--rollback")
    assert done.returncode == 1
    assert f"Error: connector {live.prefix}-sink" in done.stderr
    assert "java.lang.IllegalStateException: no disk; password=******" in done.stderr
    assert "rolled back: topic" in done.stderr and "hunter2" not in done.stderr + done.stdout
