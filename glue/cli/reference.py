"""The reference of every command, made from the commands themselves.

``python -m glue.cli.reference`` regenerates ``docs/mxctl.md`` below its mark; the text above it is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from glue.cli.main import cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mxctl.md"
MARK = "<!-- commands: everything below is made by `python -m glue.cli.reference` -->\n"


def commands(
    command: click.Command, path: tuple[str, ...] = ("mxctl",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its path, depth first, groups before what is in them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from commands(inner, (*path, name))


def reference() -> str:
    """The part of the page below the mark."""
    return "\n".join(_section(path, command) for path, command in commands(cli)).rstrip() + "\n"


def _section(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"### `{' '.join((*path, usage)).strip()}`", "", _paragraphs(command.help or ""), ""]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        lines += ["| option | |", "|---|---|", *(_option(context, one) for one in options), ""]
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.replace("\b", "").split("\n\n"))


def _option(context: click.Context, option: click.Option) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    if not option.is_flag and not option.count:
        names += f" {option.make_metavar(context)}"
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    elif option.show_default and not option.is_flag and option.default is not None:
        notes.append(f"Default: {option.default}.")
    cell = " ".join(" ".join(notes).split()).replace("|", "\\|")
    return f"| `{names.replace('|', '∣')}` | {cell} |"


if __name__ == "__main__":
    above, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(f"{above}{mark or MARK}\n{reference()}", encoding="utf-8")
