"""The example of docs/add-a-source.md, taken from the document and run on real Kafka."""

from __future__ import annotations

import json
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.config import SourceConfig, load_source
from connectors.policies import RetryPolicy, Timeouts
from glue.settings import Settings
from tests.connectors.conftest import OnKafka

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "add-a-source.md").read_text()
ORDERS = [{"number": number, "product": "Bag", "pieces": 0 if number == 4 else 1, "price": "10.50",
           "at": f"2026-01-01T10:00:{number:02d}Z"} for number in range(1, 8)]  # fmt: skip


def block(name: str) -> str:
    """The code block behind ``<!-- name -->``."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, f"the document has no block {name}"
    return found.group(1)


@pytest.fixture
def tinyshop() -> Iterator[str]:
    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            after = int(parse_qs(urlsplit(self.path).query)["after"][0])
            known = self.headers.get("Authorization") == "Bearer k"
            page = [order for order in ORDERS if int(str(order["number"])) > after][:3]
            body = json.dumps({"orders": page, "last": page[-1]["number"] if page else after}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.stack
def test_the_documents_example_works(
    tinyshop: str, on_kafka: Callable[..., OnKafka], make_sandbox: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tinyshop_example.py").write_text(block("module"))
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.setenv("TINYSHOP_TOKEN", "k")
    (tmp_path / "sources").mkdir()
    document = block("configuration").replace("connectors.tinyshop:", "tinyshop_example:")
    (tmp_path / "sources" / "tinyshop.json").write_text(document)
    written = load_source("tinyshop", Settings(profile="prod", config_dir=tmp_path))
    one = on_kafka("shopify", make_sandbox("--orders", "1", "--posts", "1"))
    one.config = written.model_copy(
        update={
            "name": f"tinyshop-{uuid.uuid4().hex[:8]}", "topic": one.config.topic,
            "dead_letters": one.config.dead_letters, "options": {**written.options, "base_url": tinyshop},
        }
    )  # fmt: skip
    try:
        result = one.run().check()
        assert result.cursor == {"last": 7}
        assert {value["order_id"] for _, value in one.stored().records} == {"1", "2", "3", "5", "6", "7"}
        assert len(one.stored().dead) == 1
        assert not one.run().check().records
    finally:
        sys.modules.pop("tinyshop_example", None)


def test_the_document_names_every_setting() -> None:
    names = {field.alias or name for name, field in SourceConfig.model_fields.items()} - {"name"}
    for name in [*names, *RetryPolicy.model_fields, *Timeouts.model_fields]:
        assert f"`{name}`" in DOCUMENT, name
