"""Golden diffs over a sample of a live topic: a changed chain shows what it changes, record by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from glue.cli.transforms import transforms
from glue.errors import ConfigError, UsageError
from glue.service.golden import compare, read_golden, take_sample, write_golden
from glue.settings import get_settings
from tests.playground import Playground


@pytest.mark.stack
def test_a_changed_chain_shows_its_changes_on_the_same_records(play: Playground, tmp_path: Path) -> None:
    play.send(1, content="call me on 01712345678 please")
    play.send(2, content="hi")
    play.send(3, content="size 42 please")
    play.flush()
    file = tmp_path / "new" / "golden.json"
    write_golden(file, play.name, take_sample(play.chain(), 10))
    text = file.read_text(encoding="utf-8")
    assert "01712345678" not in text and "user1" not in text
    golden = read_golden(file)
    assert sorted(one["outcome"] for one in golden.values()) == ["passed", "passed", "refused"]
    play.send(4)
    play.flush()

    same = compare(play.chain(), golden)
    assert (same.records, same.changes, same.gone) == (3, {}, [])
    other = compare(play.chain(transforms__scrub__placeholder="({})"), golden | {f"{play.source}/0/999": {}})
    assert [lines for lines in other.changes.values() if any("[PHONE]" in line for line in lines)] == [
        ['value.content: "call me on [PHONE] please" -> "call me on (PHONE) please"']
    ]
    assert len(other.changes) == 1 and other.gone == [f"{play.source}/0/999"]


@pytest.mark.stack
def test_contents_that_a_chain_leaves_personal_are_not_kept(play: Playground) -> None:
    play.send(1, content="call me on 01712345678 please")
    play.flush()
    (outcome,) = take_sample(play.chain(transforms="validate"), 1).values()
    assert "content" in outcome["value"]["withheld"]
    assert "01712345678" not in json.dumps(outcome)


@pytest.mark.stack
def test_where_there_is_nothing_to_compare_nothing_passes(play: Playground) -> None:
    with pytest.raises(UsageError, match="no records"):
        take_sample(play.chain(), 5)
    with pytest.raises(UsageError, match="none of its records"):
        compare(play.chain(), {f"{play.source}/0/999": {}})


@pytest.fixture
def chain_file(play: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "config" / "transforms"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(folder.parent))
    get_settings.cache_clear()
    yield folder / f"{play.name}.json"
    get_settings.cache_clear()


@pytest.mark.stack
def test_the_command_line(play: Playground, chain_file: Path, tmp_path: Path) -> None:
    play.send(1, content="call me on 01712345678 please")
    play.flush()
    arguments = ["test", play.name, "--live", "5", "--golden", str(tmp_path / "golden.json")]

    def run(placeholder: str, *more: str) -> Result:
        chain = play.chain(transforms__scrub__placeholder=placeholder)
        chain_file.write_text(json.dumps({"name": chain.name, "config": chain.config}))
        return CliRunner().invoke(transforms, [*arguments, *more])

    assert run("[{}]").exit_code == 0
    unchanged = run("[{}]")
    assert unchanged.exit_code == 0 and "1 live records: 0 come out otherwise" in unchanged.output
    changed = run("<{}>", "-o", "json")
    assert changed.exit_code == 1
    (lines,) = json.loads(changed.stdout)["live"]["changes"].values()
    assert any("call me on <PHONE> please" in line for line in lines)
    assert run("<{}>", "--accept").exit_code == 0
    assert run("<{}>").exit_code == 0


@pytest.mark.parametrize("arguments", [["--live", "5"], ["posts", "--accept"], ["posts", "orders", "--live", "5"]])
def test_a_sample_is_of_one_chain(arguments: list[str]) -> None:
    assert isinstance(CliRunner().invoke(transforms, ["test", *arguments]).exception, UsageError)


def test_a_file_that_is_no_golden_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ConfigError, match="golden file"):
        read_golden(tmp_path / "x.json")
