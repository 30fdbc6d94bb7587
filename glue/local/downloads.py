"""Downloads that are verified and that go on where they stopped.

A file grows as ``<target>.part`` and becomes ``<target>`` only when size and SHA-256 are as locked. After an
interruption the next call asks for the rest (HTTP Range, RFC 9110 section 14). The ``.part`` file is locked while it
is written, so that two stacks that share a cache never write the same file.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests

from glue.errors import MillionXError, ServiceUnavailableError
from glue.files import sha256_of
from glue.local.report import Reporter

ATTEMPTS = 6
CHUNK = 1 << 16  # what a broken connection loses at most
SPARE_BYTES = 512 << 20  # room that must remain beside the download, for unpacking and for the stack's own data


@dataclass(frozen=True)
class Wanted:
    """One file: where it can be downloaded (asked only when it is missing), where it goes, what it must be."""

    urls: Callable[[], Iterable[str]]
    target: Path
    sha256: str
    size: int


class DigestMismatchError(MillionXError):
    """What arrived is not what the lock names."""


class Fetcher:
    """Fetches several files at once and shows one line of progress for all of them."""

    def __init__(
        self, report: Reporter, halt: threading.Event | None = None, pause_s: float = 1.0, workers: int = 6
    ) -> None:
        self._report, self._pause_s, self._workers = report, pause_s, workers
        self._halt = halt or threading.Event()
        self._lock = threading.Lock()
        self._total: dict[Path, int] = {}  # bytes by file, of all that was missing
        self._done: dict[Path, int] = {}

    def fetch_all(self, wanted: list[Wanted]) -> None:
        """Bring every file to its target, verified; files already there cost nothing.

        Raises :class:`DigestMismatchError`, :class:`ServiceUnavailableError` (network), or
        :class:`MillionXError` (disk, refusal).
        """
        missing = [one for one in wanted if not _verified(one)]
        if not missing:
            return
        with self._lock:
            self._total |= {one.target: one.size for one in missing}
        _check_space(missing)
        with ThreadPoolExecutor(self._workers) as pool:
            for future in [pool.submit(self._fetch, one) for one in missing]:
                future.result()

    def _fetch(self, wanted: Wanted) -> None:
        if self._halt.is_set():
            raise MillionXError(f"download of {wanted.target.name}", "interrupted", "run the command again")
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        part = wanted.target.with_name(wanted.target.name + ".part")
        try:
            with part.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _verified(wanted):  # another process was faster
                    self._note(wanted, wanted.size)
                    return
                self._fill(wanted, file, part)
                part.replace(wanted.target)
        except OSError as error:
            why = f"{error.strerror or error} ({wanted.target.parent})"
            fix = "free some space there or set MXCTL_CACHE_DIR to a folder on another disk, then run the command again"
            raise MillionXError(f"storing {wanted.target.name}", why, fix) from error
        _mark_verified(wanted)

    def _fill(self, wanted: Wanted, file: BinaryIO, part: Path) -> None:
        """Append until the file is whole and right; one fresh start when what was resumed turns out wrong."""
        for fresh in (False, True):
            if fresh:
                file.truncate(0)
            before = file.seek(0, 2)
            self._append(wanted, file)
            file.flush()
            size = file.seek(0, 2)
            found = sha256_of(part)
            if size == wanted.size and wanted.sha256 == found:
                return
            if not before:
                break  # it came in one piece: asking again gives the same
        file.truncate(0)
        why = f"it was discarded: SHA-256 {found} ({size} bytes), but {wanted.sha256} ({wanted.size} bytes) is locked"
        fix = "a proxy or mirror may have altered it: fetch through another network, or check your jgo settings"
        raise DigestMismatchError(f"download of {wanted.target.name}", why, fix)

    def _append(self, wanted: Wanted, file: BinaryIO) -> None:
        urls = list(wanted.urls())
        problem = "no repository is configured"
        attempt = have = 0
        while attempt < ATTEMPTS and not self._halt.is_set():
            if attempt:
                self._halt.wait(min(self._pause_s * 2 ** (attempt - 1), 10))
            # A line that keeps breaking but brings something each time is not a reason to give up.
            attempt, have = (1 if file.seek(0, 2) > have else attempt + 1), file.seek(0, 2)
            for url in urls:
                try:
                    refused = self._stream(url, wanted, file)
                except requests.RequestException as error:
                    problem = _plainly(error)
                    continue
                if not refused:
                    return
                problem = refused
                if refused.startswith("HTTP 4") and len(urls) == 1:
                    raise MillionXError(f"download of {wanted.target.name}", f"the repository answered {refused}")
        why = "interrupted" if self._halt.is_set() else problem
        fix = "check the network, then run the command again: it resumes where it stopped"
        raise ServiceUnavailableError(f"download of {wanted.target.name}", why, fix)

    def _stream(self, url: str, wanted: Wanted, file: BinaryIO) -> str:
        """Append one answer to ``file``; "" when the file is whole, else why not. Network errors pass through."""
        have = file.seek(0, 2)
        if have >= wanted.size:
            return ""
        headers = {"Range": f"bytes={have}-"} if have else {}
        # "identity": a compressed transfer would change lengths and ranges.
        with requests.get(url, headers={**headers, "Accept-Encoding": "identity"}, stream=True, timeout=30) as answer:
            if answer.status_code == 200 and have:  # no ranges here: from the start
                file.truncate(0)
                have = 0
            elif answer.status_code not in (200, 206):
                return f"HTTP {answer.status_code}"
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                have += len(chunk)
                self._note(wanted, have)
                if self._halt.is_set():
                    return "interrupted"
        return "" if have >= wanted.size else "the connection ended early"

    def _note(self, wanted: Wanted, size: int) -> None:
        with self._lock:
            self._done[wanted.target] = size
            done, total = sum(self._done.values()) / 1e6, max(sum(self._total.values()), 1) / 1e6
        self._report.progress("download", f"{done:6.1f} of {total:.1f} MB ({done / total:4.0%})  {wanted.target.name}")


def _check_space(missing: list[Wanted]) -> None:
    folder = missing[0].target.parent
    while not folder.exists():
        folder = folder.parent
    need, free = sum(one.size for one in missing) + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < need:
        why = f"{need / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free in {folder}"
        fix = "free some space there, or set MXCTL_CACHE_DIR to a folder on another disk"
        raise MillionXError(f"download of {len(missing)} files", why, fix)


def _stamp(wanted: Wanted) -> str:
    found = wanted.target.stat()
    return f"{wanted.sha256} {found.st_size} {found.st_mtime_ns}"


def _mark_verified(wanted: Wanted) -> None:
    wanted.target.with_name(wanted.target.name + ".verified").write_text(_stamp(wanted))


def _verified(wanted: Wanted) -> bool:
    """Whether the target is what the lock names; hashed again only when it changed since it was verified."""
    mark = wanted.target.with_name(wanted.target.name + ".verified")
    try:
        if wanted.target.stat().st_size != wanted.size:
            return False
        if mark.exists() and mark.read_text() == _stamp(wanted):
            return True
        if sha256_of(wanted.target) != wanted.sha256:
            return False
    except FileNotFoundError:
        return False
    _mark_verified(wanted)
    return True


def _plainly(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "the repository did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "no trusted TLS connection to the repository (REQUESTS_CA_BUNDLE names a file of trusted certificates)"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the repository"
    return type(error).__name__
