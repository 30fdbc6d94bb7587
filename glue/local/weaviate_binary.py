"""Where the Weaviate server comes from: given, cached, or built with Go from the locked module.

Run as a program (``python -m glue.local.weaviate_binary LAUNCH.json``) it obtains the binary and becomes the server, so
that the stack starts without waiting for it; what it prints is the part's log until then.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glue.errors import ConfigError, MillionXError
from glue.files import one_at_a_time, sha256_of, write_whole
from glue.local.report import Reporter
from glue.settings import cache_dir, shipped

LOCK_FILE = shipped("deploy/locks/weaviate.json")
FIX = "fix: "  # how the line with the remedy begins in the log


def lock() -> dict[str, Any]:
    """The locked version, its Go module and the checksum of its source."""
    found: dict[str, Any] = json.loads(LOCK_FILE.read_text())
    return found


def cached() -> Path:
    """Where the binary of the locked version is kept; beside it, ``origin.json`` tells where it came from."""
    return cache_dir() / "weaviate" / str(lock()["version"]) / "weaviate-server"


def at_hand(given: Path | None) -> Path | None:
    """A binary that can start now: the given one, else a cached one that is still what was recorded; else None."""
    if given is not None:
        if not given.is_file() or not os.access(given, os.X_OK):
            why = "there is no such program" if not given.exists() else "it is not an executable file"
            raise ConfigError(f"Weaviate binary {given}", why, "correct or unset MXCTL_WEAVIATE_BINARY")
        return given.resolve()
    binary = cached()
    return binary if _intact(binary) else None


def _intact(binary: Path) -> bool:
    try:
        origin = json.loads(binary.with_name("origin.json").read_text())
        found = binary.stat()
    except (OSError, ValueError):
        return False
    if [found.st_size, found.st_mtime_ns] == [origin["size"], origin["mtime_ns"]]:
        return True
    return bool(sha256_of(binary) == origin["sha256"])


def keep(binary: Path, source: str) -> Path:
    """Move a new binary into the cache and record its SHA-256 and where it came from."""
    target = cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    binary.chmod(0o755)
    found = binary.stat()
    origin = {
        "version": lock()["version"],
        "source": source,
        "sha256": sha256_of(binary),
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    target.unlink(missing_ok=True)
    target.with_name("origin.json").write_text(json.dumps(origin, indent=1) + "\n")
    binary.replace(target)
    return target


def obtain(report: Reporter) -> Path:
    """The locked binary, built if need be; one process at a time, the others wait and then use its result.

    A release is never downloaded: what is downloaded is executed, and no checksum of a release is known to the lock.
    """
    from glue.local import weaviate_build

    target = cached()
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = "another process is obtaining the server: waiting for it"
    with one_at_a_time(target.with_name("lock"), lambda: report.event("weaviate", waiting)):
        if (found := at_hand(None)) is None:
            built = weaviate_build.build(lock(), target.parent, report)
            found = keep(built, "built with Go, listeners on loopback")
        return found


def progress_file() -> Path:
    """What the process that obtains the binary is at, in a line."""
    return cached().with_name("progress")


class _Noted(Reporter):
    """Also keeps the moving line where ``mxctl local up`` and ``status`` find it at any time."""

    def progress(self, part: str, message: str) -> None:
        write_whole(progress_file(), message.encode())
        super().progress(part, message)


def main() -> None:
    """Obtain the binary, then become the server that the file named on the command line describes."""
    launch = json.loads(Path(sys.argv[1]).read_text())
    progress_file().unlink(missing_ok=True)  # of a process that was interrupted
    try:
        binary = obtain(_Noted())
        progress_file().unlink(missing_ok=True)
    except MillionXError as error:
        sys.exit(f"{error.what}: {error.why}\n{FIX}{error.fix}")
    os.execve(binary, [str(binary), *launch["arguments"]], launch["env"])  # noqa: S606


if __name__ == "__main__":
    main()
