"""A file of the user's own: every good line arrives, every bad one is named, and nothing personal reaches a sink."""

from __future__ import annotations

import json
import subprocess
import sys
from uuid import uuid4

import pytest

from glue.kafka.config import KafkaConfig
from glue.kafka.tail import TopicTail

pytestmark = pytest.mark.stack

SAFE_TOPICS = (
    "enriched.weaviate.vectors",
    "sink.weaviate.vectors",
    "sink.snowflake.orders",
    "sink.snowflake.price_history",
    "dead-letters-social",
    "dead-letters-market",
)


def ingest(path, source: str) -> tuple[int, dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "glue", "ingest", str(path), "--source", source, "--wait", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_posts_arrive_or_are_named_and_no_person_can_be_read_in_a_sink_topic(pipeline, tmp_path):
    mark = uuid4().hex[:10]
    lines = [
        {"content": f"জুতা কিনতে কল করুন 01711-222333 {mark}", "author_username": f"person{mark}", "likes": 3},
        {"content": f"order at nobody.{mark}@example.com, bKash ০১৮১২৩৪৫৬৭৮", "comments": 1},
        {"content": f"call01911222444now for bags {mark}", "url": f"https://example.com/@person{mark}/1"},
        {"content": "meh"},
        {"content": f"likes below zero {mark}", "likes": -4},
    ]
    file = tmp_path / "posts.jsonl"
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + '\n{"content": "cut off \n'
    file.write_text(text, encoding="utf-8")

    with TopicTail(KafkaConfig.of(pipeline), SAFE_TOPICS) as tail:
        code, result, errors = ingest(file, "facebook")
        seen = b""
        ends = tail.ends()
        while not tail.reached(ends):
            for message in tail.new():
                headers = b"".join(value or b"" for _, value in message.headers() or [])
                seen += (message.value() or b"") + headers

    assert code == 1, "bad lines are told by the exit code"
    assert result["lines"] == 6
    assert result["records"] == {"source.social.facebook": 3}
    assert result["dead_letters"] == 3
    assert {problem["line"] for problem in result["problems"]} == {4, 5, 6}
    assert result["arrived"]["stored"]["socialpost"] == 3
    assert result["arrived"]["lost"] == result["arrived"]["duplicates"] == 0
    assert "Traceback" not in errors

    assert mark.encode() in seen, "the posts did pass here"
    for person in ("01711", "222333", "০১৮১২৩৪৫৬৭৮", "01911222444", f"nobody.{mark}", f"person{mark}"):
        assert person.encode() not in seen, person


def test_an_order_of_a_csv_reaches_both_tables_without_its_customer(pipeline, tmp_path):

    from tests.stores import ask

    order = uuid4().hex[:12]
    file = tmp_path / "orders.csv"
    file.write_text(
        "order_id,line_id,product_id,title,quantity,price,ordered_at,customer_phone,customer_name\n"
        f"{order},1,p-1,Premium Juta,2,1499.50,2026-11-01T10:00:00+06:00,01711222333,Nobody Atall\n"
        f"{order},2,p-2,Free bag,1,0,2026-11-01T10:00:00+06:00,01711222333,Nobody Atall\n",
        encoding="utf-8",
    )
    code, result, errors = ingest(file, "daraz")
    assert code == 0, errors  # a free line is an order, and no price: the prices chain leaves it out
    assert result["arrived"]["lost"] == 0
    assert result["arrived"]["stored"] == {"orders": 2, "price_history": 1, "weather_logs": 0, "socialpost": 0}
    assert result["arrived"]["dead_letters"] == 0
    rows = ask("select * from MILLIONX.RAW_DATA.ORDERS where ORDER_ID = %s order by LINE_ID", [order], pipeline)
    row = dict(zip(rows.columns, rows.rows[0], strict=True))
    assert (row["QUANTITY"], float(row["PRICE"]), row["CURRENCY"]) == (2, 1499.5, "BDT")
    assert row["INGESTION_TIME"] is not None
    assert row["CUSTOMER_PHONE_HASH"] and "01711222333" not in str(rows.rows)
    assert "Nobody" not in str(rows.rows)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("posts.txt", "myspace", "myspace"),
        ("nowhere.txt", "tiktok", "nowhere.txt"),
        ("posts.bin", "tiktok", "posts.bin"),
    ],
)
def test_a_mistake_is_explained_with_exit_code_2(pipeline, tmp_path, name, source, says):
    for existing in ("posts.txt", "posts.bin"):
        (tmp_path / existing).write_text("a good line of text\n")
    code, _, errors = ingest(tmp_path / name, source)
    assert code == 2
    assert says in errors and "fix:" in errors and "Traceback" not in errors
