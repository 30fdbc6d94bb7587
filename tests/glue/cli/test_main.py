import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click
import httpx
import pytest
from click.testing import CliRunner

from glue.cli import main as entry
from glue.errors import ConfigError, ServiceUnavailableError
from glue.http_access import HttpAccess


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("topics.json", "not JSON", "correct it"), 2),
        (ServiceUnavailableError("Connect", "no answer", "start it"), 1),
    ],
)
def test_an_error_is_printed_for_people_with_its_exit_code(monkeypatch, capsys, error, code):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(entry, "cli", fail)
    with pytest.raises(SystemExit) as stopped:
        entry.main()
    printed = capsys.readouterr()
    assert stopped.value.code == code
    assert printed.out == ""
    assert error.what in printed.err and f"why: {error.why}" in printed.err and f"fix: {error.fix}" in printed.err
    assert "Traceback" not in printed.err


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch, capsys):
    """By the clients of the registry, of Connect and of the stores; what it exempted already stays exempt."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    def ask(**_: object) -> None:
        url = f"http://127.0.0.1:{server.server_port}/"
        HttpAccess("connect").session().get(url + "requests")
        httpx.get(url + "httpx")

    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for spelt in (name, name.upper()):
            monkeypatch.setenv(spelt, "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setenv("no_proxy", "shop.test")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr(entry, "cli", ask)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        entry.main()
        server.shutdown()
    assert asked == ["/requests", "/httpx"]
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "shop.test,127.0.0.1,localhost,::1"


@pytest.mark.parametrize("name", sorted(entry.COMMANDS))
def test_every_command_loads_and_explains_itself(name):
    command = entry.cli.get_command(click.Context(entry.cli), name)
    assert command is not None and command.help
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0, result.output


def test_help_does_not_import_the_heavy_parts():
    heavy = ("numpy", "onnxruntime", "weaviate", "duckdb")
    script = (
        "import sys, glue.cli.main as m; m.cli(['--help'], standalone_mode=False); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith("[]")


def test_a_full_disk_is_told_with_its_fix():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "glue", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "fix: free some space" in done.stderr
    assert "Traceback" not in done.stderr
