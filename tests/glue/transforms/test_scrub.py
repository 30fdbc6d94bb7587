from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.errors import DataError
from glue.privacy import recognisers
from glue.privacy.mentions import PSEUDONYM, without_pseudonyms
from glue.privacy.tags import personal_fields
from glue.transforms.contract import Record
from glue.transforms.identity import HashIdentity
from glue.transforms.language import guess
from glue.transforms.scrub import ScrubPII

Make = Callable[..., Record]


@pytest.fixture
def scrub() -> ScrubPII:
    made = ScrubPII()
    made.configure({})
    return made


def test_texts_are_scrubbed_lists_too_and_counted(scrub: ScrubPII, post: Make) -> None:
    record = scrub.apply(post(content="call 01712345678 or a@example.com", hashtags=["sale", "01812345678"]))
    assert record.value is not None
    assert record.value["content"] == "call [PHONE] or [EMAIL]"
    assert record.value["hashtags"] == ["sale", "[PHONE]"]
    assert record.headers == [("millionx.redacted", b"EMAIL=1;PHONE=2")]


def test_what_is_personal_through_and_through_is_gone_and_the_schema_says_so(scrub: ScrubPII, order: Make) -> None:
    record = scrub.apply(order())
    assert record.value is not None
    assert record.schema is not None
    assert not {"note", "customer_name"} & set(record.value)
    assert not {"note", "customer_name"} & {field["name"] for field in record.schema["fields"]}
    assert personal_fields(record.schema) == ["customer_phone", "customer_email"]  # for HashIdentity


def test_a_clean_record_gets_no_header(scrub: ScrubPII, post: Make) -> None:
    assert scrub.apply(post()).headers == []


@pytest.mark.parametrize("post_id", ["1712345678", "7301234567890123456", "line-11", "INV 1001/26"])
def test_a_public_field_in_its_closed_form_is_left_alone(scrub: ScrubPII, post: Make, post_id: str) -> None:
    record = scrub.apply(post(post_id=post_id))
    assert record.value is not None
    assert record.value["post_id"] == post_id


@pytest.mark.parametrize("post_id", ["01712345678", "017-1234-5678", "made@example.com"])
def test_a_public_field_outside_of_it_is_scrubbed(scrub: ScrubPII, post: Make, post_id: str) -> None:
    record = scrub.apply(post(post_id=post_id))
    assert record.value is not None
    assert record.value["post_id"] in ("[PHONE]", "[EMAIL]")


def test_without_a_schema_nothing_passes(scrub: ScrubPII) -> None:
    with pytest.raises(DataError):
        scrub.apply(Record("t", "k", {"content": "fine"}))


def test_an_untagged_field_is_scrubbed_however_deep_it_lies(scrub: ScrubPII) -> None:
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [
            {"name": "text", "type": ["null", "string"]},
            {"name": "open", "type": "string", "confluent:tags": ["PUBLIC"]},
            {"name": "name", "type": "string", "confluent:tags": ["PII_DROP"]},
            {"name": "raw", "type": "bytes"},
        ],
    }
    schema: dict[str, Any] = {
        "type": "record",
        "name": "Outer",
        "fields": [
            {"name": "one", "type": inner},
            {"name": "many", "type": {"type": "array", "items": "Inner2"}},
            {"name": "named", "type": {"type": "map", "values": "string"}},
            {"name": "either", "type": ["null", "long", "string", {"type": "array", "items": "string"}]},
            {"name": "count", "type": "long"},
        ],
    }
    phone = "01712345678"
    value = {
        "one": {"text": phone, "open": phone, "name": "Karim", "raw": b"x" + phone.encode()},
        "many": [phone],
        "named": {phone: phone},
        "either": phone,
        "count": 1712345678,
    }
    result = scrub.apply(Record("t", "k", value, schema)).value
    assert result == {
        "one": {"text": "[PHONE]", "open": "[PHONE]", "name": "", "raw": b""},
        "many": ["[PHONE]"],
        "named": {"[PHONE]": "[PHONE]"},
        "either": "[PHONE]",
        "count": 1712345678,
    }
    assert scrub.apply(Record("t", "k", {**value, "either": [phone]}, schema)).value["either"] == ["[PHONE]"]  # type: ignore[index]


def test_a_record_that_fails_lends_its_counts_to_nobody(scrub: ScrubPII, post: Make) -> None:
    bad, good = post(content="01712345678", hashtags=7), post()
    first, second = scrub.apply_batch([bad, good])
    assert isinstance(first, TypeError)
    assert isinstance(second, Record)
    assert second.headers == []


def test_placeholders_are_settings(post: Make) -> None:
    made = ScrubPII()
    made.configure({"placeholder": "<{}>"})
    record = made.apply(post(content="call 01712345678"))
    assert record.value is not None
    assert record.value["content"] == "call <PHONE>"


def test_a_mention_gets_the_pseudonym_that_its_person_has_as_an_author(post: Make, keys_file: Path) -> None:
    scrub, identity = ScrubPII(), HashIdentity()
    scrub.configure({"keys.file": str(keys_file)})
    identity.configure({"keys.file": str(keys_file)})
    text = "@Rahim_BD dekhen, tiktok.com/@rahim_bd e ache; facebook.com/profile.php?id=100012345678901, +8801712345678"
    record = scrub.apply(post(content=text))
    assert record.value is not None
    for author, kind in (("@Rahim_BD", "HANDLE"), ("rahim_bd", "PROFILE"), ("100012345678901", "PROFILE")):
        known = identity.apply(post(author_username=author)).value
        assert known is not None
        assert f"[{kind}:{known['author_username_hash']}]" in record.value["content"]
    again = ScrubPII()
    again.configure({"again": "true"})
    content = record.value["content"]
    assert again.apply(post(content=content)).value["content"] == content  # type: ignore[index]


_HEX = "ab" * 32


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        (f"[HANDLE:k1:{_HEX}] dekho", "[HANDLE] dekho"),
        (f"HANDLE:k1:{_HEX} dekho", "HANDLE dekho"),
        (f"[PROFILE:01712345678:{_HEX}]", "[PROFILE]"),
        (f"[HANDLE:k1:{_HEX}:k1:{_HEX}]", "[HANDLE]"),
        (f"[HANDLE:k1:{_HEX[:-2]}] HANDLE:HANDLE:k1:{_HEX}", None),
        (f"[ＨＡＮＤＬＥ:k1:{_HEX}]", None),
        ("[PHONE:01712345678]", "[PHONE:[PHONE]]"),
        ("[HANDLE:k1:01712345678]", "[HANDLE:k1:[PHONE]]"),
    ],
)
def test_a_pseudonym_that_somebody_types_is_text(post: Make, keys_file: Path, typed: str, left: str | None) -> None:
    scrub, again = ScrubPII(), ScrubPII()
    scrub.configure({"keys.file": str(keys_file)})
    again.configure({"again": "true"})
    value = scrub.apply(post(content=typed, hashtags=[typed], author_username=None)).value
    assert value is not None
    assert left is None or value["content"] == left
    assert re.search(PSEUDONYM, str(value), re.ASCII) is None
    assert "1712345678" not in str(value)
    assert again.apply(post(content=value["content"])).value["content"] == value["content"]  # type: ignore[index]


def test_without_a_key_a_mention_is_its_kind_alone(post: Make) -> None:
    scrub = ScrubPII()
    scrub.configure({"again": "true"})
    assert scrub.apply(post(content="dekho @rahim_bd apu")).value["content"] == "dekho [HANDLE] apu"  # type: ignore[index]


def test_pseudonyms_change_neither_the_language_nor_what_is_embedded() -> None:
    plain, known = "[HANDLE] ভাই", f"[HANDLE:k1:{'ab' * 32}] ভাই"
    assert without_pseudonyms(known) == plain
    assert guess(known) == guess(plain) == "bn"


def test_short_texts_that_hold_nothing_are_remembered_and_others_are_searched_each_time(
    scrub: ScrubPII, post: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    find = recognisers.find
    monkeypatch.setattr(recognisers, "find", lambda text: asked.append(text) or find(text))
    for _ in range(2):
        record = scrub.apply(post(content="a text that is longer than a tag ever is", hashtags=["sale", "01812345678"]))
        assert record.value is not None
        assert record.value["hashtags"] == ["sale", "[PHONE]"]
        assert record.headers == [("millionx.redacted", b"PHONE=1")]
    assert (
        asked.count("sale"),
        asked.count("01812345678"),
        asked.count("a text that is longer than a tag ever is"),
    ) == (
        1,
        2,
        2,
    )


def test_what_is_remembered_is_bounded(scrub: ScrubPII, post: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.privacy.scrub._REMEMBERED", 3)
    for number in range(10):
        scrub.apply(post(hashtags=[f"tag {'abcdefghij'[number]}"]))
        assert len(scrub._scrubber._clean) <= 3
