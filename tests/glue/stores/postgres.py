"""A PostgreSQL of a test's own: its programs from the system, its data in a folder that goes away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from glue.local import ports
from glue.settings import Settings

ROOT = Path(__file__).parents[3]
USER, PASSWORD = "millionx", "it's \\ secret"


class Postgres:
    """An empty server on loopback. A ``with`` block."""

    def __init__(self) -> None:
        found = subprocess.run([ROOT / "scripts" / "ensure-postgres"], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        self._bin = Path(found.stdout.strip())
        self._folder = Path(tempfile.mkdtemp(prefix="millionx-postgres-"))
        (self.port,) = ports.choose(1, set())
        self.url = f"jdbc:postgresql://127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        secret, data = self._folder / "password", self._folder / "data"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            for path in (self._folder, secret):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        how = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync", "--no-locale"]
        subprocess.run([*self._plain("initdb"), "-D", data, *how], check=True, capture_output=True)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}"]
        log = (self._folder / "log").open("wb")
        command = [*self._plain("postgres"), "-D", data, "-p", str(self.port), *options]
        self._server = subprocess.Popen(command, stdout=log, stderr=log)
        while self._psql("-c", "select 1").returncode:
            assert self._server.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def settings(self, **more: Any) -> Settings:
        """Settings that name it, of the profile ``postgres``."""
        where = {"postgres": self.url, "postgres_user": USER, "postgres_password": PASSWORD}
        return Settings(**{"profile": "postgres", **where, **more})

    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        where = {"POSTGRES": self.url, "POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD}
        return {f"MXCTL_{name}": value for name, value in {"PROFILE": "postgres", **where}.items()}

    def ask(self, sql: str) -> list[list[str]]:
        """Rows of a query as text, empty for null."""
        done = self._psql("-At", "-F", "\t", "-c", sql)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def _psql(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", "postgres", "-X", "-v", "ON_ERROR_STOP=1"]
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        return subprocess.run(
            [self._bin / "psql", *where, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    def _plain(self, program: str) -> list[str]:
        """A program, as an ordinary user."""
        path = str(self._bin / program)
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", path] if os.geteuid() == 0 else [path]
