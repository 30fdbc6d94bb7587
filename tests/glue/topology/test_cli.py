"""The command line as a process: exit codes, what goes where, and that machines get data and nothing else."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from glue.cli import output
from glue.errors import ConfigError
from glue.topology.load import load

from .project import Project
from .typed import mxctl, started


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
    ("environment", "arguments", "text"),
    [
        ({"MXCTL_REGISTRY": "garbage"}, ["schemas", "get"], "correct MXCTL_REGISTRY"),
        ({"MXCTL_CONNECT": "garbage"}, ["connectors", "get"], "MXCTL_CONNECT"),
        ({"MXCTL_KAFKA": "garbage"}, ["topics", "get"], "'garbage' is not host:port"),
        ({"MXCTL_LOG_LEVEL": "loud"}, ["plan"], "MXCTL_LOG_LEVEL"),
        ({"MXCTL_LOG_FORMAT": "xml"}, ["plan"], "MXCTL_LOG_FORMAT"),
        ({"MXCTL_CONFIG_DIR": "/nowhere"}, ["validate"], "set MXCTL_CONFIG_DIR"),
        ({"MXCTL_CONFIG_DIR": "/nowhere"}, ["run", "weather"], "none is configured"),
    ],
)
def test_a_wrong_environment_is_named(
    project: Project, environment: dict[str, str], arguments: list[str], text: str
) -> None:
    project.things()
    done = mxctl(project, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr and "fix:" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\ufffe"])
@pytest.mark.parametrize("name", ["topics", "subjects", "connectors/sink", "profiles/local", "transforms/chain"])
def test_a_broken_file_is_named_with_what_is_wrong(project: Project, name: str, text: str) -> None:
    project.things()
    file = project.config / f"{name}.json"
    file.write_text(text, encoding="utf-16" if text == "\ufffe" else "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(project.settings)
    assert str(file) in caught.value.what and caught.value.fix
    assert "JSON" in caught.value.why


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["plann"], 2, "Did you mean 'plan'?"),
        (["connectors", "gte"], 2, "Did you mean 'get'?"),
        (["zzz"], 2, "No such command 'zzz'."),
        (["connectors", "get", "--ulr", "x"], 2, "--url"),
        (["connectors", "get", "--url", "localhost"], 2, "not an http:// or https:// address"),
        (["validate", "-f", "schemas"], 2, "holds no .json file"),
        (["graph", "--out", "/nowhere/graph.html"], 1, "No such file or directory"),
        (["export", "files", "/proc/nowhere"], 1, "/proc/nowhere"),
        (["dlq", "show", "nonsense"], 2, "topic/partition/offset"),
        (["dlq", "list"], 1, "mxctl local status"),
        (["sandbox", "up", "--port", "80000"], 2, "80000"),
        (["run", "weather", "--every", "0s"], 2, "--every is zero"),
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
    words = mxctl(project, COMP_WORDS="mxctl --profile lo", COMP_CWORD="2", _MXCTL_COMPLETE="bash_complete")
    assert words.stdout == "plain,local\n"
    (project.config / "sources").mkdir()
    (project.config / "sources" / "shop.json").write_text("{}")
    words = mxctl(project, COMP_WORDS="mxctl run ", COMP_CWORD="2", _MXCTL_COMPLETE="bash_complete")
    assert words.stdout == "plain,shop\n"
    silent = mxctl(project, COMP_WORDS="mxctl connectors pause ", COMP_CWORD="3", _MXCTL_COMPLETE="bash_complete")
    assert (silent.stdout.strip(), silent.stderr) == ("", "")
