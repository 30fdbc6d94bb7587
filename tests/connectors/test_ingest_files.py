"""Files published as the producers publish: every line arrives or is named, none twice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import file_encoding, file_lines, files
from connectors.files import FileParser, ingest
from connectors.models import SocialPost
from glue.errors import ServiceUnavailableError, UsageError
from glue.settings import Settings
from tests.connectors.conftest import OnKafka

Make = Callable[..., Any]


@pytest.fixture
def into(make_sandbox: Make, on_kafka: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A source of its own that files are ingested for."""

    def make(name: str) -> OnKafka:
        one: OnKafka = on_kafka(name, make_sandbox("--posts", "1", "--orders", "1"))
        # Records carry the name of the committed source; the topics are the test's own.
        config = one.config.model_copy(update={"name": name})
        monkeypatch.setattr(files, "load_source", lambda *_, **__: config)
        return one

    yield make


def unique() -> str:
    """Files are known by their contents, also to a stack that is kept between runs."""
    return uuid.uuid4().hex


@pytest.mark.stack
def test_plain_text_one_post_a_line(into: Make, tmp_path: Path) -> None:
    one = into("facebook")
    path = tmp_path / "posts.txt"
    path.write_text(f"শাড়ি কিনলাম #ঈদ {unique()}\n\nবই\nsame text\nsame text\r\n", encoding="utf-8-sig")
    result = ingest(path, "facebook", one.settings)
    stored = one.stored()
    assert (result.lines, sum(result.records.values()), result.dead_letters) == (4, 3, 1)
    assert result.problems[0][0] == 3
    assert "content" in result.problems[0][1]
    assert len(set(stored.keys)) == 3, "the same text on two lines is two posts"
    assert sorted(result.keys[one.config.topic]) == sorted(stored.keys)
    first = next(value for _, value in stored.records if "ঈদ" in value["content"])
    assert first["hashtags"] == ["ঈদ"]
    assert first["product_mentions"] == ["shari"]
    assert "বই" not in repr(stored.dead[0].value())


@pytest.mark.stack
def test_a_file_is_sent_once_unless_asked_again(into: Make, tmp_path: Path) -> None:
    one = into("facebook")
    path = tmp_path / "posts.txt"
    path.write_text(f"a first post {unique()}\na second post\n")
    first = ingest(path, "facebook", one.settings)
    second = ingest(path, "facebook", one.settings)
    assert second.known
    assert not second.records
    again = ingest(path, "facebook", one.settings, again=True)
    assert again.keys == first.keys
    assert len(one.stored().keys) == 4


@pytest.mark.stack
def test_json_lines_bad_ones_are_named_and_good_ones_go_on(into: Make, tmp_path: Path) -> None:
    one = into("facebook")
    good = {"post_id": unique(), "content": "a real post", "likes": 3, "posted_at": "2026-01-01T00:00:00Z", "x": 1}
    lines = [json.dumps(good).encode(), b"{not json", b"[1]", b"\xff\xfe", b'{"content": "abc"}', b'{"post_id": 5}']
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join([*lines, json.dumps({"message": "another good one"}).encode()]))
    result = ingest(path, "facebook", one.settings)
    assert (result.lines, sum(result.records.values()), result.dead_letters) == (7, 2, 5)
    assert [line for line, _ in result.problems] == [2, 3, 4, 5, 6]
    assert len(one.stored().dead) == 5


@pytest.mark.stack
def test_csv_of_orders(into: Make, tmp_path: Path) -> None:
    one = into("shopify")
    path = tmp_path / "orders.csv"
    path.write_text(
        "order_id,line_id,product_id,title,quantity,price,ordered_at,customer_phone\n"
        f'{unique()},1,p1,"Bag, with\nnew line",2,1250.50,2026-01-01T10:00:00+06:00,01700000001\n'
        "2,1,p1,Bag,0,10,2026-01-01T10:00:00+06:00,\n"
        "3,1,p1\n"
        "4,1,p1,Bag,1,10,2026-01-01T10:00:00+06:00,\n"
    )
    result = ingest(path, "shopify", one.settings)
    assert (result.lines, sum(result.records.values()), result.dead_letters) == (4, 2, 2)
    assert {value["product_name"] for _, value in one.stored().records} == {"Bag, with\nnew line", "Bag"}


@pytest.mark.stack
def test_cut_off_in_the_middle_it_goes_on(into: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = into("facebook")
    path = tmp_path / "posts.txt"
    path.write_text("".join(f"post number {number} {unique()}\n" for number in range(30)))
    monkeypatch.setattr(files, "_PAGE", 10)
    deliver, calls = files.Publisher.deliver, [0]

    def failing(self: Any, *given: Any) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise ServiceUnavailableError("Kafka", "down")
        deliver(self, *given)

    monkeypatch.setattr(files.Publisher, "deliver", failing)
    with pytest.raises(ServiceUnavailableError):
        ingest(path, "facebook", one.settings)
    assert len(one.stored().keys) == 20
    result = ingest(path, "facebook", one.settings)
    assert sum(result.records.values()) == 10
    assert len(set(one.stored().keys)) == len(one.stored().keys) == 30


def test_wrong_use_is_reported(tmp_path: Path) -> None:
    settings = Settings(profile="local")
    path = tmp_path / "posts.docx"
    path.write_text("x")
    with pytest.raises(UsageError) as caught:
        ingest(path, "facebook", settings)
    assert "--format" in caught.value.fix
    with pytest.raises(UsageError, match="etsy"):
        ingest(path, "etsy", settings)
    with pytest.raises(UsageError, match=r"posts\.txt"):
        ingest(tmp_path / "posts.txt", "facebook", settings)


def test_a_line_longer_than_a_message_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (file_encoding, file_lines):
        monkeypatch.setattr(module, "LONGEST", 20)
    path = tmp_path / "a.txt"
    path.write_text("short one\n" + "x" * 95 + "\nshort two\n")
    found = list(file_lines.FileLines(path, "text"))
    assert [one["line"] for one in found] == [1, 2, 3]
    assert "longer" in found[1]["bad"]
    assert found[2]["record"] == {"content": "short two"}


def test_ids_of_plain_text_follow_from_the_text_and_its_line(local_config: Make, make_sandbox: Make) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    parser = FileParser(local_config("facebook", make_sandbox("--posts", "1", "--orders", "1")), now, "d")

    def key(line: int, text: str) -> str:
        (fields,) = parser.parse({"line": line, "record": {"content": text}}, now)
        return SocialPost.model_validate(fields).key

    assert key(1, "hello there") == key(1, "hello there")
    assert len({key(1, "hello there"), key(2, "hello there"), key(1, "hello again")}) == 3
