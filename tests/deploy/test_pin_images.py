"""Digests of images, asked of a small registry on loopback that speaks the protocol as registries do."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.deploy.compose_file import ROOT

INDEX = "application/vnd.oci.image.index.v1+json"
ONE = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Has every tag but ``gone``; a manifest is its name and tag. Answers the ``first`` requests by these codes."""

    def __init__(self) -> None:
        self.login, self.header, self.kind = False, True, INDEX
        self.first: list[int] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                outer.asked.append(f"{self.command} {self.path}")
                found = urlsplit(self.path)
                if found.path == "/token":
                    return self._answer(200, json.dumps({"token": parse_qs(found.query)["scope"][0]}).encode())
                part = re.fullmatch(r"/v2/(.+)/manifests/(.+)", found.path)
                assert part and INDEX in self.headers["Accept"]
                scope = f"repository:{part[1]}:pull"
                if outer.login and self.headers["Authorization"] != f"Bearer {scope}":
                    asks = f'Bearer realm="{outer.url}/token",service="test",scope="{scope}"'
                    return self._answer(401, b"", {"WWW-Authenticate": asks})
                code = outer.first.pop(0) if outer.first else 404 if part[2] == "gone" else 200
                if code != 200:
                    return self._answer(code, b"", {"Retry-After": "0"})
                body = f"{part[1]}:{part[2]}".encode()
                header = {"Docker-Content-Digest": f"sha256:{hashlib.sha256(body).hexdigest()}"} if outer.header else {}
                return self._answer(200, body, {"Content-Type": outer.kind, **header})

            do_GET = do_HEAD  # noqa: N815

            def _answer(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(code)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def registry() -> Iterator[Registry]:
    one = Registry()
    yield one
    one.server.shutdown()
    one.server.server_close()


def pin(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, ROOT / "scripts" / "pin_images.py", "--root", root, *arguments]
    environment = {"PATH": "/nowhere"}  # no engine says which registry is its default
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Two images, one of which names its registry's host below."""
    (tmp_path / "deploy" / "images").mkdir(parents=True)
    (tmp_path / "docker-compose.yml").write_text("    image: redis:8.2.2-alpine\n  image: millionx/glue:0.1.0\n")
    (tmp_path / "deploy" / "images" / "Dockerfile").write_text("ARG VERSION=0.1.0\nFROM base AS glue\n")
    return tmp_path


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_every_image_of_others_gets_the_digest_of_its_registry_and_a_second_run_renews_it(
    registry: Registry, tmp_path: Path
) -> None:
    """On the project's own files, each host replaced by the one that is here."""
    (tmp_path / "deploy" / "images").mkdir(parents=True)
    for name in ("docker-compose.yml", "deploy/images/Dockerfile"):
        text = (ROOT / name).read_text(encoding="utf-8")
        hosts = r"(image: )([\w-]+\.)+[a-z]+/"
        (tmp_path / name).write_text(re.sub(hosts, rf"\g<1>127.0.0.1:{registry.server.server_port}/", text))
    registry.login = True
    done = pin(tmp_path, "--default-registry", f"{registry.url}/v1/")
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load((tmp_path / "docker-compose.yml").read_text())["services"]
    foreign = [one["image"] for one in services.values() if not one["image"].startswith("millionx/")]
    recipe = (tmp_path / "deploy/images/Dockerfile").read_text()
    foreign += re.findall(r"^(?:ARG (?:PYTHON|KAFKA)=|# syntax=)(.+)$", recipe, re.M)
    assert len(foreign) == len(done.stdout.splitlines()) > 10
    for image in foreign:
        reference, _, given = image.partition("@")
        path = reference.partition("/")[2] if reference.startswith("127.") else reference
        assert given == digest(path if "/" in path else f"library/{path}"), image
    assert not re.search(r"millionx/\w+:[\d.]+@", (tmp_path / "docker-compose.yml").read_text() + recipe)
    before = (tmp_path / "docker-compose.yml").read_text()
    (tmp_path / "docker-compose.yml").write_text(before.replace("redis:8.2.2-alpine@", "redis:8.4.0-alpine@"))
    assert pin(tmp_path, "--default-registry", registry.url).returncode == 0
    assert (
        f"redis:8.4.0-alpine@{digest('library/redis:8.4.0-alpine')}\n" in (tmp_path / "docker-compose.yml").read_text()
    )
    assert (tmp_path / "deploy/images/Dockerfile").read_text() == recipe


def test_a_registry_that_gives_no_digest_is_asked_for_the_manifest(registry: Registry, checkout: Path) -> None:
    registry.header, registry.kind = False, ONE
    done = pin(checkout, "--default-registry", registry.url)
    assert done.stdout == f"redis:8.2.2-alpine@{digest('library/redis:8.2.2-alpine')}  (one architecture only)\n"


def test_too_many_requests_are_waited_for_and_in_the_end_refused(registry: Registry, checkout: Path) -> None:
    registry.first = [429, 429]
    assert pin(checkout, "--default-registry", registry.url).returncode == 0
    registry.first = [429] * 9
    done = pin(checkout, "--default-registry", registry.url)
    assert (done.returncode, "answers 429" in done.stderr) == (1, True), done.stderr
    assert "fix: run it again later" in done.stderr


@pytest.mark.parametrize(("change", "why", "fix"), [
    ("redis:gone", "answers 404", "a tag that there is"),
    ("127.0.0.1:1/team/redis:1.0.0", "does not answer", "a network that reaches it"),
])  # fmt: skip
def test_without_one_digest_none_is_written(
    registry: Registry, checkout: Path, change: str, why: str, fix: str
) -> None:
    shutil.copy(ROOT / "deploy/images/Dockerfile", checkout / "deploy/images/Dockerfile")
    text = f"    image: {change}\n"
    (checkout / "docker-compose.yml").write_text(text)
    done = pin(checkout, "--default-registry", registry.url)
    assert (done.returncode, change in done.stderr) == (1, True)
    assert why in done.stderr and f"fix: {fix}" in done.stderr
    assert (checkout / "docker-compose.yml").read_text() == text
    assert "sha256:" not in (checkout / "deploy/images/Dockerfile").read_text()


def test_a_login_that_is_not_there_and_a_default_that_nobody_names_are_told(registry: Registry, checkout: Path) -> None:
    registry.first = [401]
    done = pin(checkout, "--default-registry", registry.url)
    assert "answers 401" in done.stderr and "fix: a login for it in ~/.netrc" in done.stderr
    assert "--default-registry URL" in pin(checkout).stderr
