from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.privacy.recognisers import Span, find

BENGALI = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")


def found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.entity) for span in find(text)]


@pytest.mark.parametrize(
    "phone",
    [
        "01712345678",
        "+8801712345678",
        "8801712345678",
        "008801712345678",
        "+880 1712-345678",
        "+880-1712-345678",
        "01712-345678",
        "017 1234 5678",
        "017.1234.5678",
        "01712 345 678",
        "0 1 7 1 2 3 4 5 6 7 8",
        "01112345678",
        "01312345678",
        "01912345678",
        "০১৭১২৩৪৫৬৭৮",
        "+৮৮০১৭১২৩৪৫৬৭৮",
        "০১৭১২-৩৪৫৬৭৮",
        "০1৭12৩45৬7৮",
        "O1712345678",
        "o1712345678",
        "0l712345678",
        "oI7I2345678",
        "0171234567O",
        "1712345678",
        "1712-345678",
        "+1 415 555 2671",
        "01712\u200b345678",
        "01712\u2013345678",
        "０１７１２３４５６７８",
    ],
)
@pytest.mark.parametrize(
    "frame", ["{}", "call {} now", "call{}now", "৳{}", "নম্বর {}।", "bkash:{},", "ফোন{}করুন", "({})"]
)
def test_every_form_of_a_phone(phone: str, frame: str) -> None:
    is_price = phone[0] == "1" and frame == "৳{}"
    text = frame.format(phone)
    spans = found(text)
    assert [entity for _, entity in spans] == ([] if is_price else ["PHONE"]), text
    if spans:
        digits = sum(c.isdigit() for c in phone)
        assert sum(c.isdigit() for c in spans[0][0]) == digits


@pytest.mark.parametrize(
    "text",
    [
        "order 634512345678901 shipped",
        "order 1712345678 shipped",
        "invoice #1712345678",
        "post id 7301234567890123456",
        "price 1,250,000 tk",
        "৳1600000000",
        "1712345678 views",
        "2024-01-15 01:30",
        "01-31-2024 500 tk",
        "০১-৩১-২০২৪ ৫০০ টাকা",
        "size 40 41 42 43 44",
        "id=u_1712345678",
        "hello world, lol, look Oil",
        "016 27",
        "2pcs@500.00",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("write a.b+c@example.co.uk now", "a.b+c@example.co.uk"),
        ("<karim_99@gmail.com>", "karim_99@gmail.com"),
        ("karim [at] gmail [dot] com", "karim [at] gmail [dot] com"),
        ("me: rahim@gmail", "rahim@gmail"),
        ("মেইল:rahim@yahoo.com।", "rahim@yahoo.com"),
        ("a＠example.com", "a＠example.com"),
    ],
)
def test_mails(text: str, mail: str) -> None:
    assert found(text) == [(mail, "EMAIL")]


@pytest.mark.parametrize(
    ("text", "nid"),
    [
        ("NID: 1990123456", "1990123456"),
        ("nid no. 199 012 3456", "199 012 3456"),
        ("এনআইডি ১৯৯০১২৩৪৫৬৭৮৯০১২৩", "১৯৯০১২৩৪৫৬৭৮৯০১২৩"),
        ("national id card number 1234567890123", "1234567890123"),
        ("1990123456 is my nid", "1990123456"),
        ("জাতীয় পরিচয়পত্র নম্বর 8801712345678", "8801712345678"),
        ("voter id - 1712345678", "1712345678"),
    ],
)
def test_national_ids_need_a_word(text: str, nid: str) -> None:
    assert found(text) == [(nid, "NID")]


def test_each_of_several_is_found() -> None:
    text = "01712345678/01812345678, a@example.com NID 1990123456"
    assert [entity for _, entity in found(text)] == ["PHONE", "PHONE", "EMAIL", "NID"]


@given(
    st.text(max_size=60), st.text(max_size=60), st.integers(0, 8), st.integers(10_000_000, 99_999_999), st.booleans()
)
def test_a_phone_survives_in_no_surroundings(before: str, after: str, n: int, rest: int, bengali: bool) -> None:
    """Whatever stands around it, except digits that make it another number, no eleven-digit mobile is left whole."""
    phone = f"01{'1345678'[n % 7]}{rest}"
    if bengali:
        phone = phone.translate(BENGALI)
    before, after = before.rstrip("0123456789oOlI|") + "x ", " x" + after
    text = before + phone + after
    if any(c.isdigit() for c in before + after):
        return
    assert any(span.start <= len(before) and span.end >= len(before) + len(phone) for span in find(text))


@given(st.text(alphabet="0123456789০১৭@.+- oOlIxa\n()[]atnidNID", max_size=200))
def test_spans_are_ordered_and_do_not_overlap(text: str) -> None:
    spans = find(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


def test_a_hostile_text_is_taken_whole_beyond_its_share() -> None:
    text = "x@y.com 01712345678x " * 5000
    last = find(text)[-1]
    assert last == Span(last.start, len(text), "EXCESS")


HOSTILE = """0;01;017 ;01712345678x;@;a@;a@b.co ;a(at);lo;1a;1 2 3 a ;nid 1234567890 ;1712345678 x ;a@a.;a;
+1 415 555 2671 x;123456789012x; ;[at];a [at] b [dot] c """
PIECES = HOSTILE.replace("\n", "").split(";")


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    """Ratio of processor times inside one run: eight times the text, far less than sixty-four times the time."""

    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            find(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(160_000) < 24 * seconds(20_000) + 0.005


def test_random_hostile_mixtures_do_not_explode() -> None:
    chance = random.Random(7)
    for _ in range(20):
        text = "".join(chance.choice(PIECES) for _ in range(20_000))
        started = time.process_time()
        find(text)
        assert time.process_time() - started < 1.0
