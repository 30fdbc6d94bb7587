"""Reading the logs of parts: their last lines, and what comes after."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from glue.errors import UsageError
from glue.local.process import tail

POLL_S = 0.3


def logs(root: Path, part: str | None) -> dict[str, Path]:
    """The log of a part, or of all parts, by name. :class:`UsageError` when there is none."""
    found = {file.stem: file for file in sorted((root / "logs").glob("*.log"))}
    if not found:
        raise UsageError("logs of the local stack", f"there are none in {root}", "start it: mxctl local up")
    if part is None:
        return found
    if part not in found:
        raise UsageError(f"log of part {part!r}", f"there are logs of {', '.join(found)}", "name one of these")
    return {part: found[part]}


def last_lines(files: dict[str, Path], count: int) -> Iterator[str]:
    """The last lines of each log, under its name where there are several."""
    for name, file in files.items():
        if len(files) > 1:
            yield f"==> {name} <=="
        yield from tail(file, count)


def new_lines(files: dict[str, Path]) -> Iterator[str]:
    """Lines as they are written, for ever; a part that is started again is followed into its new log."""
    followers = [_Follower(name if len(files) > 1 else "", file) for name, file in files.items()]
    while True:
        lines = [line for follower in followers for line in follower.lines()]
        yield from lines
        if not lines:
            time.sleep(POLL_S)


class _Follower:
    def __init__(self, label: str, file: Path) -> None:
        self._label, self._file = f"{label:<12} " if label else "", file
        found = file.stat()
        self._node, self._at, self._rest = found.st_ino, found.st_size, b""

    def lines(self) -> Sequence[str]:
        try:
            found = self._file.stat()
            if found.st_ino != self._node or found.st_size < self._at:
                self._node, self._at, self._rest = found.st_ino, 0, b""
            with self._file.open("rb") as opened:
                opened.seek(self._at)
                new = opened.read()
        except FileNotFoundError:  # between two lives of the part
            return ()
        self._at += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [self._label + line.decode(errors="replace") for line in whole]
