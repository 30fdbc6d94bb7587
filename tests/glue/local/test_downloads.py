"""Downloads against a server on loopback that can misbehave in the ways networks do."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from glue.errors import MillionXError, ServiceUnavailableError
from glue.local import downloads
from glue.local.downloads import CHUNK, DigestMismatchError, Fetcher, Wanted
from glue.local.report import Reporter

CONTENT = bytes(range(256)) * 4096  # 1 MB
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT; ``cut`` ends each of the next answers after so many bytes, ``ranges`` honours Range."""

    def __init__(self) -> None:
        self.cut: list[int] = []
        self.ranges = True
        self.status = 200
        self.content = CONTENT
        self.asked: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers["Range"])
                if outer.status != 200:
                    self.send_error(outer.status)
                    return
                asked = self.headers["Range"] if outer.ranges else None
                first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
                body = outer.content[first:]
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: outer.cut.pop(0)] if outer.cut else body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/file.jar"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def fetch(server: Server, target: Path, digest: str = DIGEST, size: int = len(CONTENT)) -> None:
    Fetcher(Reporter(quiet=True), pause_s=0).fetch_all([Wanted(lambda: [server.url], target, digest, size)])


def test_a_file_arrives_whole_and_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.jar"
    fetch(server, target)
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None]
    assert not list(target.parent.glob("*.part"))


def test_a_broken_connection_is_resumed_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cut = [5 * CHUNK, 3 * CHUNK]
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={5 * CHUNK}-", f"bytes={8 * CHUNK}-"]


def test_a_line_that_breaks_often_but_brings_something_is_not_given_up(server: Server, tmp_path: Path) -> None:
    server.cut = [CHUNK] * (2 * downloads.ATTEMPTS)
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT


def test_what_another_run_left_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.jar.part").write_bytes(CONTENT[:700_000])
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT
    assert server.asked == ["bytes=700000-"]


def test_a_server_without_ranges_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.jar.part").write_bytes(CONTENT[:700_000])
    server.ranges = False
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_spoilt_rest_of_an_earlier_run_is_fetched_anew(server: Server, tmp_path: Path, left: bytes) -> None:
    (tmp_path / "file.jar.part").write_bytes(left)
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT


def test_wrong_content_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.content = b"?" * len(CONTENT)
    with pytest.raises(DigestMismatchError) as caught:
        fetch(server, tmp_path / "file.jar")
    assert DIGEST in caught.value.why
    assert not (tmp_path / "file.jar").exists()
    server.content = CONTENT
    fetch(server, tmp_path / "file.jar")
    assert (tmp_path / "file.jar").read_bytes() == CONTENT


def test_a_file_altered_in_the_cache_is_noticed(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "file.jar"
    fetch(server, target)
    target.write_bytes(b"!" + CONTENT[1:])  # same size
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_no_network_says_that_the_next_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.close()
    monkeypatch.setattr(downloads, "ATTEMPTS", 2)
    with pytest.raises(ServiceUnavailableError) as caught:
        fetch(server, tmp_path / "file.jar")
    assert "no connection" in caught.value.why
    assert "resumes where it stopped" in caught.value.fix


def test_a_connection_that_tls_does_not_trust_is_told_from_no_network(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.url = server.url.replace("http://", "https://")
    monkeypatch.setattr(downloads, "ATTEMPTS", 1)
    with pytest.raises(ServiceUnavailableError, match="no trusted TLS connection"):
        fetch(server, tmp_path / "file.jar")


def test_a_refusal_is_not_retried(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(MillionXError, match="404"):
        fetch(server, tmp_path / "file.jar")
    assert len(server.asked) == 1


def test_a_server_error_is_retried(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.status = 503
    monkeypatch.setattr(downloads, "ATTEMPTS", 3)
    with pytest.raises(ServiceUnavailableError, match="503"):
        fetch(server, tmp_path / "file.jar")
    assert len(server.asked) == 3


def test_a_full_disk_is_found_before_anything_is_fetched(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MillionXError) as caught:
        fetch(server, tmp_path / "file.jar", size=1 << 60)
    assert "MXCTL_CACHE_DIR" in caught.value.fix
    assert not server.asked


def test_two_at_once_fetch_it_once(server: Server, tmp_path: Path) -> None:
    threads = [threading.Thread(target=fetch, args=(server, tmp_path / "file.jar")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file.jar").read_bytes() == CONTENT
    assert len(server.asked) == 1
