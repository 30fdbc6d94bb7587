"""Every command and every option is explained, in its help and in docs/mxctl.md."""

from __future__ import annotations

import click
import pytest

from glue.cli.main import cli
from glue.cli.reference import PAGE, commands

ALL = {" ".join(path): command for path, command in commands(cli)}


def options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


@pytest.mark.parametrize("name", ALL)
def test_explained_in_its_help(name: str) -> None:
    assert ALL[name].help, f"{name} has no docstring"
    silent = [one.opts[-1] for one in options(ALL[name]) if not one.help]
    assert not silent, f"{name}: {silent} have no help"


@pytest.mark.parametrize("name", ALL)
def test_explained_in_the_documentation(name: str) -> None:
    fix = "run: python -m glue.cli.reference"
    page = PAGE.read_text(encoding="utf-8")
    section = next(
        (part for part in page.split("\n### ") if part.startswith(f"`{name} ") or part.startswith(f"`{name}`")), ""
    )
    assert section, f"{name} is not in {PAGE.name}; {fix}"
    missing = [
        one.opts[0] for one in options(ALL[name]) if f"`{', '.join((*one.opts, *one.secondary_opts))}" not in section
    ]
    assert not missing, f"{name}: {missing} are not in {PAGE.name}; {fix}"


def test_exit_codes_are_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| {code} | " in page for code in range(4))
