"""The server by itself: who may ask, how often the services are asked, what happens when none of them is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from glue.cli.main import cli
from glue.errors import ServiceUnavailableError
from glue.local.ports import choose
from glue.search.posts import Found
from glue.settings import Settings
from glue.topology.load import load
from glue.ui import search
from glue.ui.collector import Collector
from glue.ui.reading import Reading
from glue.ui.server import make_app

NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A page whose services are all away."""
    settings = Settings(kafka=NOWHERE, connect=f"http://{NOWHERE}", registry=f"http://{NOWHERE}")
    collector = Collector(settings)
    with TestClient(make_app(collector), base_url="http://127.0.0.1:8000") as made:
        yield made
    collector.close()


def test_with_every_service_away_the_page_and_the_graph_are_there(client: TestClient) -> None:
    assert "<title>MillionX topology</title>" in client.get("/").text
    view = client.get("/api/graph").json()
    assert {one["state"] for one in view["nodes"]} == {"unknown"}
    detail = client.get("/api/node/connector/weaviate-sink").json()
    assert any(section["title"] == "Configuration as declared" for section in detail["sections"])
    answer = client.get("/api/records/context.weather")
    assert answer.status_code == 503 and answer.json()["error"] == "Kafka does not answer"


@pytest.mark.parametrize(("profile", "store"), [("local", "Snowflake ORDERS"), ("postgres", "PostgreSQL orders")])
def test_a_store_is_there_under_every_profile_and_says_what_fills_it(profile: str, store: str) -> None:
    nowhere = f"http://{NOWHERE}"
    collector = Collector(Settings(profile=profile, kafka=NOWHERE, connect=nowhere, registry=nowhere))
    detail = TestClient(make_app(collector), base_url="http://127.0.0.1:8000").get(f"/api/node/store/{store}").json()
    collector.close()
    (filled,) = [section for section in detail["sections"] if section["title"] == "Filled from"]
    ((topic, connector, place, _),) = filled["rows"]
    assert (topic, place.rpartition(".")[2].lower()) == ("sink.snowflake.orders", "orders")
    assert connector == {"local": "snowflake-sink", "postgres": "postgres-sink"}[profile]


@pytest.mark.parametrize("path", ["/", "/health", "/api/graph", "/static/app.js", "/nothing"])
def test_every_answer_forbids_what_is_not_its_own(client: TestClient, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", ""])
def test_another_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/graph", headers={"host": host}).status_code == 400
    assert client.get("/health", headers={"host": "localhost:1234"}).status_code == 200


@pytest.mark.parametrize("topic", ["connect-configs", "__consumer_offsets", "_mxctl.memory", "..%2f..%2fetc"])
def test_only_declared_topics_can_be_read(client: TestClient, topic: str) -> None:
    assert client.get(f"/api/records/{topic}").status_code == 404
    assert client.get(f"/api/node/topic/{topic}").status_code == 404


def test_nothing_can_be_changed_and_nothing_comes_from_elsewhere(client: TestClient) -> None:
    assert client.post("/api/graph").status_code == 405
    folder = Path(__file__).parents[3] / "glue" / "ui" / "static"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not any(outside in text for outside in ("http:", "https:", "//cdn", "@import", "innerHTML")), file.name
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert " style=" not in page and " onclick=" not in page and "<style" not in page


@pytest.mark.parametrize(
    "asked",
    [{}, {"text": " "}, {"text": "x" * 501}, {"text": "juta", "since": "soon"}, {"text": "juta", "engagement": "-1"},
     {"text": "juta", "language": "fr"}, {"text": "juta", "lang": "x"}],
)  # fmt: skip
def test_a_search_that_cannot_be_meant_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    answer = client.get("/api/search", params=asked)
    assert answer.status_code == 400 and answer.json()["error"].startswith("search")


def test_a_search_is_masked_by_the_tags_of_the_topic_of_its_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[tuple[str, str], object]]] = []
    post = {"content": "call 01711-222333", "post_id": "1", "words": "b:kal", "author_username_hash": "k1:aa",
            "timestamp": datetime(2026, 1, 1, tzinfo=UTC), "score": 0.5, "meaning": 0.8, "shared": ""}  # fmt: skip

    class Search:
        target = SimpleNamespace(topic="sink.weaviate.vectors", place="SocialPost")

        def __init__(self, settings: Settings) -> None: ...

        def ask(self, text: str, wanted: dict[tuple[str, str], object], **options: object) -> Found:
            asked.append((text, {name: value for name, value in wanted.items() if value is not None}))
            return Found([dict(post)], ["score", "content", "post_id", "timestamp"], ["language: en"])

    monkeypatch.setattr(search, "PostSearch", Search)
    form = {"text": " juta ", "since": "2026-01-01", "engagement": "3", "product": "Lungi", "platform": ""}
    found = search.SearchBox(Settings())(form, load(Settings()))
    wanted = {
        ("timestamp", ">="): datetime(2026, 1, 1, tzinfo=UTC),
        ("engagement", ">="): 3,
        ("product_mentions", "has"): ["Lungi"],
    }
    assert asked == [("juta", wanted)]
    (row,) = found["posts"]
    assert row["post"].pop("timestamp").startswith("2026-01-01T00:00:00")
    shown = {"content": "call [PHONE]", "post_id": "1", "language": None}
    assert row["post"] == shown, "nothing but what the collection shows"
    assert found["explanation"] == ["language: en"]


def test_many_pages_are_one_question() -> None:
    gate = threading.Event()

    def read() -> str:
        gate.wait(10)
        return "answer"

    reading = Reading("Kafka", read, every=60)
    with ThreadPoolExecutor(3) as pool, ThreadPoolExecutor(20) as pages:
        asked = list(pages.map(lambda _: reading.refresh(pool), range(40)))
        assert len({id(one) for one in asked}) == 1
        gate.set()
        assert asked[0] is not None
        asked[0].result(10)
        assert reading.refresh(pool) is None, "fresh: nobody is asked"
    assert (reading.count, reading.value, reading.error) == (1, "answer", "")


def test_a_service_that_comes_back_is_well_again_and_its_error_is_for_people() -> None:
    answers: list[Exception | str] = [
        ServiceUnavailableError("x", "no answer from http://me:hunter2@kafka:1", "mxctl local status"),
        ValueError("secret"),
        "here",
    ]

    def read() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reading = Reading("Kafka", read, every=0)
    with ThreadPoolExecutor(1) as pool:
        told = []
        for _ in range(3):
            run = reading.refresh(pool)
            assert run is not None
            run.result(10)
            told.append(reading.error)
    assert "hunter2" not in told[0] and "mxctl local status" in told[0]
    assert told[1:] == ["unexpected ValueError", ""] and reading.value == "here"


def test_a_port_that_is_taken_is_reported() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", choose(1, set())[0]))
        other.listen()
        result = CliRunner().invoke(cli, ["ui", "--port", str(other.getsockname()[1])])
    assert "another program listens there" in str(result.exception)
