"""What helps against the ends of logs that people meet."""

from __future__ import annotations

import re

HINTS = (
    (
        "Address already in use|BindException|address in use",
        "another program took its port while it started; mxctl local up chooses another one",
    ),
    ("No space left on device|ENOSPC", "free some space on that disk, or move the stack: MXCTL_STATE_DIR"),
    (
        "OutOfMemoryError|Cannot allocate memory|insufficient memory",
        "the machine has too little free memory (the stack takes about 2 GB): stop other programs",
    ),
    ("Too many open files", "allow more open files, then start again: ulimit -n 65536"),
    (
        "InconsistentClusterId|CorruptRecord|Malformed|corrupt",
        "its data seems damaged; to start with empty data: mxctl local down --purge, then mxctl local up",
    ),
)


def hint(log: str) -> str:
    """The remedy for what the end of a log tells; "" when it tells nothing known."""
    return next((remedy for pattern, remedy in HINTS if re.search(pattern, log, re.IGNORECASE)), "")
