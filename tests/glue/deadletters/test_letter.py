from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue.avro import Encoder, load_schema
from glue.deadletters.headers import PREFIX, Position, error_headers, last, retry_count, without_errors
from glue.deadletters.letter import LetterMaker
from glue.deadletters.read import MARK, MARKED, Letter, note_mark
from glue.deadletters.replay import open_letter
from glue.deadletters.show import contents
from glue.deadletters.triage import Filter, by_cause
from glue.errors import ConfigError, DataError, ServiceUnavailableError
from glue.privacy.keyring import Keyring
from glue.privacy.seal import seal, unseal
from glue.privacy.shown import masked
from glue.transforms.chain import Failure

SCHEMAS = Path(__file__).parents[3] / "schemas"
RING = Keyring("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
UUID = b"5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10"
PHONE = "01712345678"


class Message:
    """As much of a Kafka message as a letter needs."""

    def __init__(self, value: bytes | None, key: bytes | None = UUID, headers: Any = None) -> None:
        self._value, self._key, self._headers = value, key, headers

    def value(self) -> bytes | None:
        return self._value

    def key(self) -> bytes | None:
        return self._key

    def headers(self) -> Any:
        return self._headers

    def topic(self) -> str:
        return "source.social.tiktok"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 42

    def timestamp(self) -> tuple[int, int]:
        return 1, 1700000000123


def decoder(name: str) -> Any:
    return lambda data: ({}, load_schema(SCHEMAS / name))


def unreadable(data: bytes) -> Any:
    raise DataError("decode", "no")


def failure(text: str = "content: minLength 5") -> Failure:
    try:
        raise DataError("Validate", text)
    except DataError as error:
        return Failure(error, "TRANSFORMATION", "glue.transforms.validate:Validate")


def letter_of(message: Message, decode: Any = unreadable, cause: Failure | None = None) -> Letter:
    made = LetterMaker("posts", 1, decode, RING)(message, cause or failure())
    return Letter("dead-letters-social/0/7", made.key, made.value, made.headers, made.timestamp or 0)


def test_what_is_sealed_opens_to_what_it_was() -> None:
    headers = [("a", b"1"), ("a", None), ("ü", b"")]
    sealed = seal(RING, b"key", b"value", headers)
    assert unseal(RING, "k2", sealed) == (b"key", b"value", headers)
    assert unseal(RING, "k2", seal(RING, None, None, [])) == (None, None, [])
    assert seal(RING, b"key", b"value", headers) != sealed
    large = seal(RING, b"key", b"value" * 100_000, headers)
    assert len(large) < 10_000
    assert large[:4] == sealed[:4] == b"MXS1"
    assert unseal(RING, "k2", large)[1] == b"value" * 100_000


def test_a_seal_opens_only_for_the_topic_that_it_was_made_for() -> None:
    """Else a sealed value under a header with another topic would go there readable when it is replayed."""
    sealed = seal(RING, b"key", b"value", [], "source.market.shopify")
    assert unseal(RING, "k2", sealed, "source.market.shopify")[1] == b"value"
    for other in ("", "some.public.topic"):
        with pytest.raises(DataError, match="another topic"):
            unseal(RING, "k2", sealed, other)


def test_a_changed_or_foreign_seal_does_not_open() -> None:
    sealed = seal(RING, b"key", b"value", [])
    for key_id, data in (("k1", sealed), ("k2", sealed[:-1] + bytes([sealed[-1] ^ 1])), ("k2", b"plain")):
        with pytest.raises(DataError):
            unseal(RING, key_id, data)
    with pytest.raises(ConfigError):
        unseal(RING, "k3", sealed)


def test_a_rotated_key_still_opens() -> None:
    old = Keyring("k1", {"k1": b"1" * 32})
    assert unseal(RING, "k1", seal(old, b"k", b"v", [])) == (b"k", b"v", [])


def test_connects_headers_all_of_them() -> None:
    letter = letter_of(Message(b"x"))
    names = [name for name, _ in letter.headers if name.startswith(PREFIX)]
    assert names == [
        f"__connect.errors.{name}"
        for name in [
            "topic",
            "partition",
            "offset",
            "connector.name",
            "task.id",
            "stage",
            "class.name",
            "exception.class.name",
            "exception.message",
            "exception.stacktrace",
        ]
    ]
    shown = letter.summary()
    assert shown["origin"] == "source.social.tiktok/3/42"
    assert (shown["by"], letter.header("task.id")) == ("posts", "1")
    assert shown["message"] == "Validate: content: minLength 5"
    assert shown["error"] == "glue.errors.DataError"
    assert "test_letter.py" in letter.header("exception.stacktrace")


def test_nothing_personal_can_be_read_from_a_letter() -> None:
    """Value, a key that is no UUID, own headers, and the text of a foreign exception."""
    try:
        raise ValueError(f"could not parse {PHONE}")
    except ValueError as error:
        cause = Failure(error, "TRANSFORMATION", "x")
    message = Message(PHONE.encode(), PHONE.encode(), [("who", PHONE.encode())])
    letter = letter_of(message, unreadable, cause)
    everything = b"".join(
        [letter.key or b"", letter.value or b"", *(n.encode() + (v or b"") for n, v in letter.headers)]
    )
    assert PHONE.encode() not in everything
    assert b"ValueError" in everything
    original = open_letter(letter, RING)
    assert (original.key, original.value) == (PHONE.encode(), PHONE.encode())
    assert ("who", PHONE.encode()) in original.headers


@pytest.mark.parametrize(
    ("schema", "key", "headers", "sealed"),
    [
        ("enriched_post.avsc", UUID, None, False),
        ("enriched_post.avsc", UUID, [("millionx.redacted", b"PHONE=1")], False),
        ("enriched_post.avsc", b"karim", None, True),
        ("enriched_post.avsc", UUID, [("x-user", b"karim")], True),
        ("social_post.avsc", UUID, None, True),
    ],
)
def test_a_letter_is_open_only_when_its_schema_its_key_and_its_headers_are_safe(
    schema: str, key: bytes, headers: Any, sealed: bool
) -> None:
    letter = letter_of(Message(b"value", key, headers), decoder(schema))
    assert bool(letter.sealed) is sealed
    assert (letter.value == b"value") is not sealed
    assert open_letter(letter, RING).value == b"value"


def test_a_replayed_record_keeps_its_own_headers_and_counts() -> None:
    original = open_letter(letter_of(Message(b"v", UUID, [("trace", b"t")])), RING)
    assert original.headers == [("trace", b"t"), ("millionx.retry_count", b"1"), ("millionx.replay.for", b"posts")]
    again = letter_of(Message(b"v", UUID, original.headers))
    assert again.attempts == 1
    third = open_letter(again, RING)
    assert retry_count(third.headers) == 2
    assert [name for name, _ in third.headers].count("millionx.replay.for") == 1


def test_of_two_of_each_header_the_last_is_read() -> None:
    headers = [(PREFIX + "topic", b"old"), ("own", b"1"), (PREFIX + "topic", b"new")]
    assert last(headers, PREFIX + "topic") == "new"
    assert last(headers, "none") is None
    assert without_errors(headers) == [("own", b"1")]


def test_a_letter_without_its_contents_is_not_replayed() -> None:
    letter = Letter("t/0/1", None, None, [(PREFIX + "topic", b"a"), ("millionx.truncated", b"9")], 0)
    with pytest.raises(DataError, match="too large"):
        open_letter(letter, RING)
    with pytest.raises(DataError, match="which topic"):
        open_letter(Letter("t/0/1", None, b"v", [], 0), RING)


def test_messages_of_our_errors_are_told_those_of_others_withheld() -> None:
    position = Position("t", 0, 1, "c", 0)
    ours = dict(error_headers(position, Failure(ServiceUnavailableError("Redis", "down"), "s", "c")))
    assert ours[PREFIX + "exception.message"] == b"Redis: down"


def social_value() -> dict[str, Any]:
    fields = load_schema(SCHEMAS / "social_post.avsc")["fields"]
    value = {field["name"]: field.get("default") for field in fields}
    texts = {"content": f"call {PHONE}", "author_username": "rahim", "url": "https://example.invalid/@rahim"}
    return value | texts | {"post_id": "1", "platform": "tiktok", "posted_at": 0, "collected_at": 0}


def test_what_is_shown_is_masked() -> None:
    schema = load_schema(SCHEMAS / "social_post.avsc")
    text = json.dumps(masked(social_value(), schema), ensure_ascii=False)
    assert PHONE not in text
    assert "rahim" not in text
    assert "[PHONE]" in text
    data = Encoder(schema, 1)(social_value())
    shown = contents(letter_of(Message(data)), RING, lambda data: (social_value(), schema))  # type: ignore[arg-type]
    assert shown["value"]["content"] == "call [PHONE]"
    assert contents(letter_of(Message(b"\x00\x00\x00\x00\x01junk")), RING, unreadable)["starts"] == "0000000001"  # type: ignore[arg-type]


def test_letters_are_grouped_and_chosen_by_cause() -> None:
    letters = [letter_of(Message(b"1")), letter_of(Message(b"2")), letter_of(Message(b"3"), cause=failure("likes"))]
    groups = by_cause(letters)
    assert [(group["letters"], group["message"]) for group in groups] == [
        (2, "Validate: content: minLength 5"),
        (1, "Validate: likes"),
    ]
    assert len(list(filter(Filter(message="likes"), letters))) == 1
    assert len(list(filter(Filter(by="orders"), letters))) == 0
    assert len(list(filter(Filter(error="DataError", origin="source.social.tiktok", by="posts"), letters))) == 3
    assert len(list(filter(Filter(since=1700000000124), letters))) == 0
    assert len(list(filter(Filter(state="replayed"), letters))) == 0
    assert len(list(filter(Filter(ids=frozenset({"dead-letters-social/0/7"})), letters))) == 3


def test_what_was_erased_stays_so_whatever_is_said_later() -> None:
    done: dict[str, str] = {}
    for mark in ("replayed", "erased", "discarded"):
        assert note_mark(done, [(MARK, mark.encode()), (MARKED, b"letters/0/1")])
    assert not note_mark(done, [("other", b"discarded")])
    assert done == {"letters/0/1": "erased"}
