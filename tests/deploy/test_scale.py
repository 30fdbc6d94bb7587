"""The arithmetic of docs/scale.md rests on what is declared and on what the code says; it must change with them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from connectors.checkpoint import _REMEMBERED
from connectors.config import load_source
from glue.settings import Settings
from glue.topology.load import load
from glue.transforms.embed import EmbedConfig
from glue.transforms.enrich import EnrichConfig

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
SETTINGS = Settings(profile="prod")
DECLARED = load(SETTINGS)
WEEK = 7 * 24 * 3600


def measured(worker: str) -> float:
    """Posts a second of a worker, from the table of measurements."""
    (speed,) = re.findall(rf"^\| `{worker}` \([^|]*\| ([\d,]+) posts/s", PAGE, re.MULTILINE)
    return float(speed.replace(",", ""))


def numbers(row: str) -> list[int]:
    (cells,) = re.findall(rf"^\| {re.escape(row)}[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    return [int(cell.strip().replace(",", "")) for cell in cells.split("|")]


def test_workers_follow_from_the_measured_speed() -> None:
    assert numbers("`posts` workers in a burst") == [
        math.ceil(10_000 * n / measured("posts")) for n in (1, 10, 100, 1e3)
    ]
    assert numbers("`vectors` workers, steady") == [math.ceil(n / 3 / measured("vectors")) for n in (1, 10, 100, 1e3)]


def test_how_long_a_burst_may_last() -> None:
    topic = DECLARED.topics["enriched.weaviate.vectors"]
    assert int(topic.config["retention.ms"]) == WEEK * 1000 and topic.partitions == 6
    taken = topic.partitions * measured("vectors") * WEEK
    assert f"take {taken / 1e6:,.0f} million posts" in TEXT and f"may last {taken / 10_000 / 3600:.1f} hours" in TEXT


def test_disk_follows_from_sizes_and_retention() -> None:
    found = re.search(r"× \((\d+) \+ (\d+) \+ ([\d,]+) \+ 150 bytes\) × 3 copies`: (.*?)\. Network", TEXT)
    assert found
    size = sum(int(part.replace(",", "")) for part in found.groups()[:3]) + 150
    for topic in ("source.social.tiktok", "enriched.weaviate.vectors", "sink.weaviate.vectors"):
        assert DECLARED.topics[topic].replication_factor == 3
    shown = [float(part.replace(",", "").removesuffix(" GB")) for part in found.group(4).split(" GB, ")]
    for times, gigabytes in zip((1, 10, 100, 1000), shown, strict=True):
        assert gigabytes == round(times / 3 * WEEK * size * 3 / 1e9, 1 if times == 1 else 0)


def test_memory_of_weaviate() -> None:
    body = json.loads((ROOT / "connect-config" / "weaviate" / "SocialPost.json").read_text())
    graphs = [one["vectorIndexConfig"] for one in body["vectorConfig"].values() if one["vectorIndexType"] == "hnsw"]
    (links,), models = {2 * one["maxConnections"] for one in graphs}, len(graphs)
    assert f"posts × {models} × (4·384 + 10·{links}) bytes" in TEXT
    year = 100 / 300 * 365 * 86_400
    memory = [f"{year * n * models * (4 * 384 + 10 * links) / 1e9:.0f} GB" for n in (1, 10)]
    assert [one in TEXT for one in memory] == [True, True]


def test_channels_of_snowflake() -> None:
    sink = DECLARED.connectors["snowflake-sink"]
    partitions = [DECLARED.topics[topic].partitions for topic in sink.topics]
    line = f"{' + '.join(map(str, partitions))} = {sum(partitions)} channels over {sink.config['tasks.max']} tasks"
    assert line in TEXT
    lag = int(sink.config["snowflake.streaming.max.client.lag"])
    assert f"lag` {lag}," in TEXT and f"{86_400 // lag:,} files a day" in TEXT


def test_pace_and_memory_of_the_sources() -> None:
    assert f"{_REMEMBERED:,} fingerprints" in TEXT
    for name, text in (("facebook", "0.35/s"), ("daraz", "67/s"), ("shopify", "100/s"), ("tiktok", "100/s")):
        reach = _REMEMBERED / load_source(name, SETTINGS, resolve=False).overlap.total_seconds()
        assert float(text.removesuffix("/s")) == round(reach, 2 if reach < 1 else 0)
        assert text in TEXT
    pace = {"shopify": ("page_size", 500), "daraz": ("page_size", 500), "facebook": ("page_size", 100)}
    assert "At most 500 orders, 500 orders, 100 posts and 10 posts a second" in TEXT
    for name, (key, most) in {**pace, "tiktok": ("posts_per_keyword", 10)}.items():
        config = load_source(name, SETTINGS, resolve=False)
        assert config.rate.per_second * config.options[key] == most


def test_caches() -> None:
    enrich, embed = EnrichConfig(), EmbedConfig(models="minilm")
    assert f"{enrich.cache_size:,} products for {enrich.cache_seconds:.0f} s" in TEXT
    assert f"{enrich.cache_size / enrich.cache_seconds:.0f} look-ups/s" in TEXT
    assert f"{embed.cache_size:,} vectors" in TEXT
