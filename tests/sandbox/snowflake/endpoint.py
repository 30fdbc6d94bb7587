"""The endpoint as a process of its own, for tests that kill it, and what a client of it needs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from glue.settings import Settings

USER, ROLE = "MILLIONX_CONNECT", "MILLIONX_CONNECT_ROLE"
ROOT = Path(__file__).parents[3]


def new_key(folder: Path, name: str) -> Path:
    """A private key in PEM; its public half lies beside it with the suffix .pub."""
    key = generate_private_key(65537, 2048)
    pem = folder / f"{name}.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.with_suffix(".pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return pem


def token(key: RSAPrivateKey, user: str = USER, **changed: Any) -> str:
    """A token as the clients sign it; ``changed`` replaces claims."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
    now = int(time.time())
    claims = {"iss": f"LOCAL.{user}.{fingerprint}", "sub": f"LOCAL.{user}", "iat": now, "exp": now + 3540}
    return jwt.encode(claims | changed, key, algorithm="RS256")


class Endpoint:
    """``python -m sandbox.snowflake`` in a folder; a ``with`` block starts and stops it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.arguments = folder, arguments
        self.key = new_key(folder, "user")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it is healthy."""
        where = ["--port", str(self.port), "--data-dir", str(self.folder / "data")]
        command = [sys.executable, "-m", "sandbox.snowflake", *where, "--public-key", str(self.key.with_suffix(".pub"))]
        with (self.folder / "endpoint.log").open("ab") as log:
            self.process = subprocess.Popen([*command, *self.arguments], cwd=ROOT, stderr=log, stdout=log)
        while self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "endpoint.log").read_text())

    def kill(self) -> None:
        """SIGKILL: no chance to write anything."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def settings(self, **changed: Any) -> Settings:
        """Settings of a client of this endpoint."""
        found = {"warehouse": self.url, "warehouse_private_key_file": self.key, "config_dir": ROOT / "connect-config"}
        return Settings(**(found | changed))

    def fault(self, name: str, **options: Any) -> None:
        """Switch a fault on."""
        httpx.put(f"{self.url}/admin/faults/{name}", json=options).raise_for_status()

    def faults(self) -> dict[str, Any]:
        """Faults that are on."""
        on: dict[str, Any] = httpx.get(f"{self.url}/admin/faults").json()["on"]
        return on
