"""Dead letters on the real broker: listed, replayed once, discarded; masked wherever they are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from glue.cli.dlq import dlq
from glue.deadletters.delete import delete
from glue.deadletters.read import Letter, read_letters
from glue.deadletters.replay import discard, replay
from glue.kafka.config import KafkaConfig
from glue.privacy.keyring import Keyring, load_keyring
from tests.playground import Playground

pytestmark = pytest.mark.stack
PHONE = "01712345678"
LENIENT = "scrub,hash,enrich,shape"  # as if the cause had been fixed


def letters(play: Playground) -> list[Letter]:
    return read_letters(KafkaConfig.of(play.settings), [play.dead])


def ring(play: Playground) -> Keyring:
    return load_keyring(play.settings.hash_keys_file)


def refused(play: Playground, count: int) -> None:
    """``count`` posts that Validate refuses lie in dead letters."""
    for number in range(count):
        play.send(number, content=f"{number}", author_username="rahim", url=f"https://example.invalid/{PHONE}")
    play.flush()
    with play.working():
        play.until(count)
    assert len(letters(play)) == count


def test_a_replay_brings_each_back_once_with_its_key_and_value(play: Playground) -> None:
    refused(play, 30)
    result = replay(letters(play), KafkaConfig.of(play.settings), ring(play))
    assert (len(result.replayed), result.kept) == (30, {})
    assert {letter.done for letter in letters(play)} == {"replayed"}
    again = replay(letters(play), KafkaConfig.of(play.settings), ring(play))
    assert again.replayed == []
    with play.working(transforms=LENIENT):
        play.until(90)  # letters and marks are 60
    assert sorted(play.keys(play.output)) == sorted(play.sent)
    contents = {play.value(message)["post_id"]: play.value(message)["content"] for message in play.read(play.output)}
    assert contents == {str(number): str(number) for number in range(30)}
    names = {name for message in play.read(play.output) for name, _ in message.headers() or []}
    assert not {name for name in names if "connect" in name or "replay" in name or "retry" in name}


def test_attempts_are_counted_and_capped(play: Playground) -> None:
    refused(play, 1)
    for attempt in (1, 2):
        open_letters = [letter for letter in letters(play) if not letter.done]
        assert len(replay(open_letters, KafkaConfig.of(play.settings), ring(play), most=2).replayed) == 1
        with play.working():
            play.until(2 * attempt + 1)
        (newest,) = [letter for letter in letters(play) if not letter.done]
        assert newest.attempts == attempt
    result = replay([newest], KafkaConfig.of(play.settings), ring(play), most=2)
    assert result.replayed == []
    assert "2 times" in result.kept[newest.id]


def test_only_the_chain_that_refused_takes_it_again(play: Playground) -> None:
    refused(play, 1)
    replay(letters(play), KafkaConfig.of(play.settings), ring(play))
    other = Playground(play.settings)
    other.source = play.source
    with other.working(topics=play.source) as worker:
        worker.ended.wait(5)
    assert other.keys(other.output) == []
    assert len(other.keys(other.dead)) == 1  # the first copy, which it refused itself


class StoppedError(Exception):
    """Ctrl-C in the middle."""


def test_an_interrupted_replay_goes_on_where_it_stopped(play: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(play, 25)
    monkeypatch.setattr("glue.deadletters.replay._IN_ONE", 10)

    def stop_after_ten(count: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        replay(letters(play), KafkaConfig.of(play.settings), ring(play), progress=stop_after_ten)
    assert [letter.done for letter in letters(play)].count("replayed") == 10
    open_letters = [letter for letter in letters(play) if not letter.done]
    assert len(replay(open_letters, KafkaConfig.of(play.settings), ring(play)).replayed) == 15
    assert sorted(play.keys(play.source)) == sorted(play.sent * 2)


def test_a_header_does_not_lead_a_letter_into_another_topic(play: Playground) -> None:
    refused(play, 1)
    (letter,) = letters(play)
    lost = [(n, b"no.such.topic" if n.endswith("errors.topic") else v) for n, v in letter.headers]
    result = replay([Letter(letter.id, letter.key, letter.value, lost, 0)], KafkaConfig.of(play.settings), ring(play))
    assert result.replayed == []
    assert "for another topic" in result.kept[letter.id]
    assert letters(play)[0].done == ""


def test_discarded_letters_are_not_replayed(play: Playground) -> None:
    refused(play, 3)
    first, *rest = letters(play)
    assert discard([first], KafkaConfig.of(play.settings)) == [first.id]
    assert {letter.id: letter.done for letter in letters(play)} == {first.id: "discarded", **{x.id: "" for x in rest}}
    assert discard(letters(play)[:1], KafkaConfig.of(play.settings)) == []
    assert first.id not in replay(letters(play), KafkaConfig.of(play.settings), ring(play)).replayed


def test_deleted_letters_can_be_read_by_nobody_and_an_open_one_keeps_what_lies_behind_it(play: Playground) -> None:
    refused(play, 12)
    kafka, all_ = KafkaConfig.of(play.settings), [letter.id for letter in letters(play)]
    place = {letter.id: letter.place for letter in letters(play)}
    by_partition = {number: [one for one in all_ if place[one][1] == number] for _, number, _ in place.values()}
    partition = max(by_partition.values(), key=len)
    kept = partition[-2]  # open, with one behind it
    wanted = {letter.id for letter in letters(play)} - {kept}
    discard([letter for letter in letters(play) if letter.id in wanted], kafka)
    there = all_[0] if all_[0] != kept else all_[1]
    assert delete(kafka, [there, partition[-1]], dry_run=True)[1] == [partition[-1]] and len(letters(play)) == 12
    gone, stay = delete(kafka, wanted)
    assert (stay, sorted(gone)) == ([partition[-1]], sorted(wanted - {partition[-1]}))
    assert {letter.id: letter.done for letter in letters(play)} == {kept: "", partition[-1]: "discarded"}
    assert replay(letters(play), kafka, ring(play)).replayed == [kept]
    assert delete(kafka, [kept, partition[-1]]) == ([kept, partition[-1]], [])
    assert letters(play) == []


def test_the_command_line(play: Playground) -> None:
    refused(play, 5)

    def run(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(dlq, [*arguments, "--topic", play.dead], catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert PHONE not in result.output
        assert "rahim" not in result.output
        return result.stdout

    listed = json.loads(run("list", "-o", "json"))
    assert len(listed) == 5
    assert "5 " in run("stats")
    assert json.loads(run("stats", "-o", "json"))[0]["letters"] == 5
    shown = json.loads(run("show", "--contents", "--limit", "1", "-o", "json"))[0]
    assert shown["contents"]["value"]["author_username"] == "•••"
    assert "minLength" in run("show", listed[0]["id"])
    assert "would replay 2" in run("replay", "--dry-run", "--limit", "2")
    run("replay", "--limit", "2", code=1)  # nobody said yes
    assert json.loads(run("replay", "--limit", "2", "--yes", "-o", "json"))["kept"] == {}
    assert "would discard 3" in run("discard", "--dry-run")
    assert "discarded 1" in run("discard", "--yes", "--limit", "1")
    states = [row["state"] for row in json.loads(run("list", "--state", "all", "-o", "json"))]
    assert sorted(states) == ["discarded", "open", "open", "replayed", "replayed"]
    assert "would discard 2\nwould delete 5, 0 stay" in run("discard", "--delete", "--dry-run")
    assert len(json.loads(run("discard", "--delete", "--yes", "-o", "json"))["deleted"]) == 5
    assert json.loads(run("list", "--state", "all", "-o", "json")) == []
    assert json.loads(run("list", "--message", "no such", "-o", "json")) == []
