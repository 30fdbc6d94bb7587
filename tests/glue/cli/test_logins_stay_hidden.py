"""No login goes where it does not belong: not into what a command prints, and not to another address than its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NOWHERE = "127.0.0.1:1"
SERVICES = {
    "MXCTL_KAFKA": NOWHERE,
    "MXCTL_REGISTRY": f"http://user:HIDDENregistry@{NOWHERE}/apis/ccompat/v7",
    "MXCTL_CONNECT": f"http://user:HIDDENconnect@{NOWHERE}",
    "MXCTL_WEAVIATE": f"http://user:HIDDENweaviate@{NOWHERE}",
    "MXCTL_WEAVIATE_GRPC": NOWHERE,
    "MXCTL_REDIS": f"redis://:HIDDENredis@{NOWHERE}/0",
    "MXCTL_WAREHOUSE": f"http://user:HIDDENwarehouse@{NOWHERE}",
}
COMMANDS = ("doctor -o json", "search shari", "query", "connectors list", "schemas list", "validate --live")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_shows_no_login(command: str, tmp_path: Path) -> None:
    words = [*command.split(), *(["select 1"] if command == "query" else [])]
    done = subprocess.run(
        [sys.executable, "-m", "glue", *words],
        env=os.environ | SERVICES | {"MXCTL_STATE_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert re.findall("HIDDEN[a-z]*", done.stdout + done.stderr) == []


@pytest.mark.parametrize("completed", [False, True])
@pytest.mark.parametrize("owner", ["stack", "other"])
def test_the_stacks_login_goes_to_no_address_that_is_typed_unless_it_is_its_own(
    owner: str, completed: bool, tmp_path: Path
) -> None:
    """``--url`` of a command, and of a line that is completed."""
    logins: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            logins.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    (tmp_path / "password").write_text("HIDDEN")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        connect = f"http://{NOWHERE},{url}" if owner == "stack" else f"http://{NOWHERE}"  # one of two workers
        login = {"connect_user": "admin", "connect_password_file": str(tmp_path / "password")}
        settings = {"kafka": NOWHERE, "connect": connect, **login}
        (tmp_path / "state.json").write_text(json.dumps({"settings": settings, "parts": {}}))
        env = {key: value for key, value in os.environ.items() if not key.startswith("MXCTL_")}
        env |= {"MXCTL_STATE_DIR": str(tmp_path)}
        words = ["connectors", "describe" if completed else "get", "--url", f"{url}/"]
        if completed:
            env |= {"_MXCTL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["mxctl", *words]), "COMP_CWORD": "5"}
            words = []
        mxctl = str(Path(sys.executable).with_name("mxctl"))
        done = subprocess.run([mxctl, *words], env=env, capture_output=True, text=True, check=False)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert logins and all(bool(one) == (owner == "stack") for one in logins)
