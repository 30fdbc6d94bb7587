"""What answers in the registry's place is never read as an empty registry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from glue.errors import ServiceError
from glue.registry import incompatibilities, registry_client, subject_names
from glue.settings import Settings
from glue.topology.kinds.subject import read_subjects


class Place:
    """Answers every request with 200 and the same text."""

    def __init__(self) -> None:
        self.text = ""
        place = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.send_header("Content-Length", str(len(place.text)))
                self.end_headers()
                self.wfile.write(place.text.encode())

            do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("text", ["{}", "null", '"text"', "[1]", "<html>log in</html>", '{"message": "x"}'])
def test_garbage_is_an_error(place: Place, text: str) -> None:
    place.text = text
    client = registry_client(Settings(registry=place.url), retries=0)
    with pytest.raises(ServiceError, match="does not answer as a Schema Registry does"):
        subject_names(client)
    with pytest.raises(ServiceError):
        read_subjects(client, ["a"])
    with pytest.raises(ServiceError, match="does not answer as a Schema Registry does"):
        incompatibilities(Settings(registry=place.url), "a", {"type": "string"})


def test_an_empty_registry_is_one(place: Place) -> None:
    place.text = "[]"
    assert subject_names(registry_client(Settings(registry=place.url), retries=0)) == set()
    place.text = '{"is_compatible": true}'
    assert incompatibilities(Settings(registry=place.url), "a", {"type": "string"}) is None
    place.text = '{"is_compatible": false, "messages": ["why"]}'
    assert incompatibilities(Settings(registry=place.url), "a", {"type": "string"}) == ["why"]
