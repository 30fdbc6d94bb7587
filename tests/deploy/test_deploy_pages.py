"""The page on docker compose: its commands are ones that exist, and what it names is there."""

from __future__ import annotations

import re

import click
import pytest

from glue.cli.main import cli
from tests.deploy.compose_file import ROOT, SIZES, compose, env_file

PAGE = (ROOT / "docs" / "deploy-compose.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?:mxctl|… mxctl) ((?!doctor is)[a-z][a-z -]*?)(?:`|\s*$|\s+#)", PAGE, re.M)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_mxctl_is_one_it_takes(line: str) -> None:
    arguments, command = line.split(), cli
    context = click.Context(cli, info_name="mxctl")
    found: click.Command = command
    while isinstance(found, click.Group):
        inner = found.get_command(context, arguments.pop(0))
        assert inner is not None, line
        found = inner
    found.make_context(found.name, arguments, parent=context)


def test_what_it_names_is_there() -> None:
    assert len(COMMANDS) >= 5
    for path in set(re.findall(r"(?<![\w/])((?:deploy|docs|connect-config)/[\w./-]+\w)", PAGE)):
        assert (ROOT / path).exists() or path.startswith("deploy/secrets"), path
    services, whole = compose()["services"], compose()
    for line in re.findall(r"docker compose up --build --detach ([a-z ]+)`", PAGE):
        assert set(line.split()) <= services.keys()
    for name in re.findall(r"millionx_(\w+):/data", PAGE):
        assert name in whole["volumes"]
    for port in re.findall(r"<http://127\.0\.0\.1:(\d+)>", PAGE):
        assert any(f"127.0.0.1:{port}:" in one for service in services.values() for one in service.get("ports", []))
    for name in whole["secrets"]:
        shown = re.sub(r"^kafka-[a-z-]+\.properties$", "kafka-ROLE.properties", name)
        assert f"`{shown}`" in PAGE, name


@pytest.mark.parametrize("size", SIZES)
def test_a_size_has_the_embedding_workers_it_says(size: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `deploy/compose/{size}.env`"))
    assert row.split("|")[3].strip() == env_file(f"{size}.env")["VECTORS_WORKERS"]
