"""Pictures of dashboards: names of series and values are written as Grafana writes them; queries go to Prometheus."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from draw_panels import asked, named, written

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("form", "name"),
    [("{{chain}} {{ stage }}", "posts scrub"), ("P95", "P95"), ("__auto", "posts, scrub"), ("", "posts, scrub")],
)
def test_a_series_is_named_by_its_labels(form: str, name: str) -> None:
    assert named(form, {"__name__": "up", "chain": "posts", "stage": "scrub"}) == name


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.995, "percentunit", "99.5 %"), (1250, "s", "1.25e+03 s"), (1250, "bytes", "1.25 kB"), (2, "short", "2")],
)
def test_a_value_has_its_unit(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


@pytest.fixture
def prometheus() -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """Its address, and the queries it got; NaN is in its answer."""
    queries: list[dict[str, list[str]]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            queries.append(parse_qs(urlsplit(self.path).query))
            wrong = "wrong" in queries[-1]["query"][0]
            result = [
                {"metric": {"job": "a"}, "values": [[1, "NaN"], [2, "0.5"]]},
                {"metric": {"job": "b"}, "values": [[1, "NaN"]]},
            ]
            body: dict[str, Any] = {"status": "success", "data": {"result": result}}
            text = json.dumps({"status": "error", "error": "parse error"} if wrong else body).encode()
            self.send_response(400 if wrong else 200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", queries
    server.shutdown()
    server.server_close()


def test_what_is_no_number_is_left_out_and_an_error_is_one(
    prometheus: tuple[str, list[dict[str, list[str]]]],
) -> None:
    address, queries = prometheus
    panel = {"targets": [{"expr": "rate(x[$__rate_interval])", "legendFormat": "{{job}}"}]}
    assert asked(address, panel, 15) == [("a", [2.0], [0.5])]
    assert queries[0]["query"] == ["rate(x[1m])"] and float(queries[0]["end"][0]) - float(queries[0]["start"][0]) == 900
    with pytest.raises(ValueError, match="parse error"):
        asked(address, {"targets": [{"expr": "wrong("}]}, 15)
