"""Counts in every notation, hashtags, product mentions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.text import Mentions, hashtags, parse_count, product_ids

CONFIG = Path(__file__).resolve().parents[2] / "connect-config" / "sources" / "tiktok.json"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1.2K", 1200), ("1,2K", 1200), ("3.4M", 3_400_000), ("2B", 2_000_000_000), ("12,345", 12_345),
        ("12.345", 12_345), ("১২,৩৪৫", 12_345), ("৩.৪M", 3_400_000), ("১.২ হাজার", 1200), ("5 লাখ", 500_000),
        ("1,23,456", 123_456), ("56 Comments", 56), ("৭ Shares", 7), ("1 234", 1234), ("0", 0), ("", 0), (None, 0),
        ("  18 ", 18), ("1,234.5K", 1_234_500), ("1.5 crore", 15_000_000), ("３４", 34),
    ],
)  # fmt: skip
def test_counts(text: str | None, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["many", "K", "-", "লাখ"])
def test_text_without_a_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no count"):
        parse_count(text)


def test_hashtags_keep_whole_bengali_words() -> None:
    assert hashtags("নতুন #অনলাইনশপিং #Deal! #deal #শাড়ি, no # tag") == ["অনলাইনশপিং", "deal", "শাড়ি"]


def test_product_ids_need_their_edges() -> None:
    assert product_ids("code MX-1023, MX-1023 and XMX-1024 MX-12") == ["MX-1023"]


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("জামদানি শাড়িটা সুন্দর", ["shari"]), ("jamdani shari", ["shari"]), ("Cotton Sarees", ["shari"]),
        ("চামড়ার জুতার দাম", ["shoes"]), ("juta er dam", ["shoes"]), ("running SHOES and a bag", ["bag", "shoes"]),
        ("hat ghori", ["watch"]), ("garbage phonebook", []), ("ব্যাগে", ["bag"]),
        ("call my phone 01700000001", []), ("notun smart phone", ["phone"]),
    ],
)  # fmt: skip
def test_mentions_of_the_committed_spellings(text: str, products: list[str]) -> None:
    mentions = Mentions(json.loads(CONFIG.read_text())["options"]["products"])
    assert sorted(mentions(text)) == products
