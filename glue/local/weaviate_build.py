"""Building the Weaviate server with Go, from the locked module, with every listener on loopback.

The server has settings for the address of its REST, gossip and raft ports; gRPC and the cluster's data port always
listen on every interface. Where this project builds the server itself, it gives those listeners the loopback address.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from glue.errors import MillionXError
from glue.local.go import go_program
from glue.local.report import Reporter

PROGRAM = "./cmd/weaviate-server"
FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w")
STALE = "{{if .Stale}}{{.ImportPath}}{{end}}"  # what is still to be compiled, one a line
EVERYWHERE, LOOPBACK = '":%d"', '"127.0.0.1:%d"'
# Files that open a listener with the format above.
LISTENERS = (
    "adapters/handlers/grpc/server.go",
    "adapters/handlers/rest/clusterapi/grpc/server.go",
    "adapters/handlers/rest/clusterapi/serve.go",
    "adapters/handlers/rest/configure_api.go",
)
NEEDED_BYTES = 6 << 30  # module cache and build cache
HIDDEN = ("GOMEMLIMIT", "GOMAXPROCS")  # meant for the server, not for the compiler


def build(lock: dict[str, Any], folder: Path, report: Reporter) -> Path:
    """Build the locked version in ``folder``; the program. Go keeps what is done, so a broken-off build goes on.

    Raises :class:`MillionXError`: sources that do not have the locked checksum, no space, or what the compiler said.
    """
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        report.warning("weaviate", f"{free >> 20} MB are free; a first build may need {NEEDED_BYTES >> 20} MB")
    module = f"{lock['module']}@v{lock['version']}"
    report.event("weaviate", f"building {module}; the first time takes about ten minutes on two cores")
    watch = _Watch(report, go_program(report))
    found = json.loads(_go(["mod", "download", "-json", module], folder, watch))
    if found.get("Sum") != lock["sum"]:
        why = f"the checksum of its source is {found.get('Sum')}, the lock says {lock['sum']}"
        raise MillionXError(f"building {module}", why, "check GOPROXY and GOFLAGS: a proxy may have altered it")
    source = folder / "source"
    _copy_on_loopback(Path(found["Dir"]), source)
    program = folder / "weaviate.new"
    watch.total = len(_go(["list", "-deps", "-f", STALE, *FLAGS, PROGRAM], source, watch).split())
    _go(["build", "-v", *FLAGS, "-o", str(program), PROGRAM], source, watch)
    shutil.rmtree(source)
    return program


def _copy_on_loopback(module: Path, source: Path) -> None:
    shutil.rmtree(source, ignore_errors=True)
    # copyfile, not copy: files in Go's module cache are read-only.
    shutil.copytree(module, source, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("test", "*_test.go"))
    for folder in (source, *(path for path in source.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    for name in LISTENERS:
        file = source / name
        text = file.read_text()
        if EVERYWHERE not in text:
            fix = "restore the lock"
            raise MillionXError("building Weaviate", f"{name} opens its port differently from the locked version", fix)
        file.write_text(text.replace(EVERYWHERE, LOOPBACK))


class _Watch:
    """What a build has come to, in one line: since when it runs, the share that is done, an estimate of the rest."""

    def __init__(self, report: Reporter, program: str) -> None:
        self._report, self.program, self._began = report, program, time.monotonic()
        self.total = self._done = 0  # packages to compile, and those that are compiled
        self._compiling = self._began

    def line(self, text: str) -> None:
        """Go said this: a package that it compiles (with -v), or what it downloads."""
        if self.total and " " not in text:
            if not self._done:
                self._compiling = time.monotonic()
            self._done += 1

    def show(self, doing: str) -> None:
        """Report it."""
        now = time.monotonic()
        if doing == "build" and self.total:
            share = min(self._done / self.total, 1)
            text = f"{share:4.0%} ({self._done} of {self.total} packages)"
            if self._done >= self.total:
                text += ", linking"
            elif share > 0.1:
                text += f", about {_duration((now - self._compiling) * (1 - share) / share)} left"
        else:
            text = "fetching its sources" if doing in ("mod", "list") else "compiling"
        self._report.progress("weaviate", f"building since {_duration(now - self._began)}: {text}")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _go(arguments: list[str], cwd: Path, watch: _Watch) -> str:
    """Run Go and let ``watch`` show what it has come to; its standard output."""
    env = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    last = deque[str](maxlen=20)
    polite = ["nice", "-n", "10"] if shutil.which("nice") else []  # the rest of the stack starts meanwhile
    with subprocess.Popen(
        [*polite, watch.program, *arguments],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None and run.stderr is not None  # noqa: S101
        output: list[str] = []
        reader = threading.Thread(target=lambda: output.append(run.stdout.read()), daemon=True)  # type: ignore[union-attr]
        reader.start()
        threading.Thread(target=_show, args=(run, arguments[0], watch), daemon=True).start()
        for line in run.stderr:
            watch.line(line.strip())
            last.append(line.strip())
        reader.join()
    if run.returncode:
        fix = "it needs Go 1.25 or newer, about 2 GB of memory and access to Go modules; or set MXCTL_WEAVIATE_BINARY"
        raise MillionXError(f"go {arguments[0]} for Weaviate", "\n".join(last), fix)
    return output[0]


def _show(run: subprocess.Popen[str], doing: str, watch: _Watch) -> None:
    while run.poll() is None:
        watch.show(doing)
        time.sleep(1)
