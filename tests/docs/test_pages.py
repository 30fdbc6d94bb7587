"""The documentation says what is so: its commands parse, its links resolve, the tests it names are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from glue.cli.main import cli
from glue.cli.reference import MARK

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_TEST = re.compile(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`")
_SHELLS = ("", "sh", "bash", "console", "shell")
_PLACEHOLDER = re.compile(r"…|\.\.\.|[<\[{$]|^[A-Z][A-Z0-9_|/.-]*$")  # NAME, FILE|DIR, $VARIABLE, [OPTIONS]


def written(page: Path) -> str:
    """A page without what is made of the commands themselves."""
    return page.read_text(encoding="utf-8").partition(MARK)[0]


def commands(text: str) -> Iterator[str]:
    """Every ``mxctl`` command of a page, in a block or in a line, without what stands behind it."""
    blocks = [re.sub(r"\s*\\\n\s*", " ", body) for language, body in _FENCE.findall(text) if language in _SHELLS]
    rest = _FENCE.sub("", text)
    indented = [line[4:] for line in rest.splitlines() if line.startswith("    mxctl ")]
    lines = [line for body in blocks for line in body.splitlines()] + indented
    for line in lines:
        for part in re.split(r"\s\|\s|&&|;|\s#\s|\s{2,}|\s2?>\s", line.strip().removeprefix("$ ")):
            found = re.match(r"(?:\w+=\S+ )*(?:\S*/)?mxctl (.*)", part.strip())
            if found:
                yield found[1]
    for code in _INLINE.findall(rest):
        if code.startswith("mxctl "):
            yield code.removeprefix("mxctl ")


def leaf(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the first words name, and the other words."""
    command: click.Command = cli
    while words and isinstance(command, click.Group):
        if words[0] in ("-h", "--help", "--version"):
            return command, words
        if words[0].startswith("--"):  # of mxctl itself
            option = next(one for one in command.params if words[0].split("=")[0] in one.opts)
            flag = isinstance(option, click.Option) and option.is_flag
            words = words[1 if "=" in words[0] or flag else 2 :]
            continue
        if _PLACEHOLDER.search(words[0]):
            return command, []
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, f"no command {words[0]!r} in {command.name}"
        command, words = inner, words[1:]
    return command, words


def check(command: click.Command, words: list[str]) -> None:
    """Options are known, values fit their type, and there are not too many arguments."""
    if not words or "--help" in words or "-h" in words:
        return
    context = click.Context(command)
    last = next((one for one in command.params if words[-1] in one.opts), None)
    if isinstance(last, click.Option) and not last.is_flag and not last.count:
        words = [*words, "VALUE"]  # prose names an option without one
    values, extra, order = command.make_parser(context).parse_args([word for word in words if word not in ("…", "...")])
    extra = [word for word in extra if not _PLACEHOLDER.search(word)]
    assert not extra, f"more arguments than {command.name} takes: {extra}"
    for parameter in order:
        given = values.get(parameter.name)
        for value in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(parameter, click.Option) and isinstance(value, str) and not _PLACEHOLDER.search(value):
                parameter.type.convert(value, parameter, context)


CASES = [
    pytest.param(command, id=f"{page.name}: {command}")
    for page in PAGES
    for command in dict.fromkeys(commands(written(page)))
]


@pytest.mark.parametrize("command", CASES)
def test_a_command_is_one_that_mxctl_takes(command: str) -> None:
    words = shlex.split(command)
    found, rest = leaf(words)
    try:
        check(found, rest)
    except click.UsageError as error:
        pytest.fail(f"mxctl {command}: {error.format_message()}")


@pytest.mark.parametrize(
    "wrong",
    ["canary --evry 5s", "canary --path nowhere", "dlq lst", "connectors pause --nothing", "canary more words"],
)
def test_a_wrong_command_would_be_noticed(wrong: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        check(*leaf(shlex.split(wrong)))


def test_commands_are_found_where_they_stand() -> None:
    text = (
        "Run `mxctl dlq list`, not `mxctlx`.\n\n    mxctl audit --deep     every field\n\n"
        "```sh\n$ mxctl plan | head  # a\n"
        "A=1 .venv/bin/mxctl apply \\\n  --yes && mxctl doctor\n```\n```json\nmxctl none\n```\n"
    )
    assert sorted(commands(text)) == ["apply --yes", "audit --deep", "dlq list", "doctor", "plan"]


@cache
def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for groups in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = groups[0] or groups[1]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and goal.suffix == ".md" and anchor not in anchors(goal)):
            broken.append(target)
    assert not broken, f"{page.name}: {broken}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    for file, name in _TEST.findall(written(page)):
        assert (ROOT / file).is_file(), file
        if name:
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE), f"{file}::{name}"


_TIERS = """
import pytest, sys
class Tiers:
    def pytest_collection_finish(self, session):
        for item in session.items:
            tier = next(t for t in ("soak", "unit", "stack", "browser") if item.get_closest_marker(t))
            print("tier", item.nodeid.partition("[")[0], tier)
sys.exit(pytest.main(["--collect-only", "-q", *sys.argv[1:]], plugins=[Tiers()]))
"""


def test_every_guarantee_names_tests_with_their_tier_and_none_rests_on_soak_alone() -> None:
    table = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8").partition("## What is not guaranteed")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [line for line in rows if not line.startswith("| promise")]
    assert len(promises) >= 12
    named = {row: re.findall(r"`(tests/[\w/.-]+\.py::\w+)` \((\w+)\)", row) for row in promises}
    tests = sorted({test for proofs in named.values() for test, _ in proofs})
    done = subprocess.run([sys.executable, "-c", _TIERS, *tests], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tiers: dict[str, set[str]] = {}
    for test, tier in re.findall(r"^tier (\S+) (\w+)$", done.stdout, re.MULTILINE):
        tiers.setdefault(test, set()).add(tier)
    for row, proofs in named.items():
        assert len(proofs) == len(_TEST.findall(row)) > 0, row
        assert [(test, tier) for test, tier in proofs if tier not in tiers[test]] == []
        assert {tier for _, tier in proofs} - {"soak"}, row
