"""No command prints the login in an address of a service, whatever it says of the service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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
