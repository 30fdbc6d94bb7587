"""Files and folders that nobody sees half done, wherever the program that makes them is interrupted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write ``file`` in one step: it has its old content or all of the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.tmp")
    draft.unlink(missing_ok=True)  # an interrupted one, whatever its mode
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
        opened.write(content)
    draft.replace(file)


def write_private(file: Path, content: bytes) -> None:
    """As :func:`write_whole`, readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(file, content, mode=0o600)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content, in hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def one_at_a_time(lock: Path, waits: Callable[[], None]) -> Iterator[None]:
    """One process at a time is in the block; ``waits`` is called where another one is."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def made_once(folder: Path) -> Iterator[Path | None]:
    """A draft to fill, which becomes ``folder`` when the block ends well; None when ``folder`` is there already.

    One process at a time makes it, the others wait for it.
    """
    if folder.exists():
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.parent.glob(f"{folder.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        if folder.exists():
            yield None
            return
        # A name of its own: a program that an interrupted process started may still write into the draft of that one.
        draft = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
        draft.mkdir()
        yield draft
        draft.replace(folder)
