"""What keeps a host within bounds: it ends with its worker, and takes no more memory than allowed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import sys


def die_with_parent() -> None:
    """End this process when the worker ends, however it does, even in the midst of a C function that never returns.

    Standard input is a pipe whose other end only the worker holds. The kernel is asked for SIGIO when that end closes,
    and the default action of SIGIO is to terminate, which needs neither the interpreter nor its lock.
    """
    stdin = sys.stdin.fileno()
    fcntl.fcntl(stdin, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(stdin, fcntl.F_SETFL, fcntl.fcntl(stdin, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(stdin, select.POLLIN)
    if poll.poll(0):  # it closed before we asked
        os._exit(1)


def limit_memory(mebibytes: int) -> None:
    """Bound the data memory (heap and private mappings); beyond it allocation fails. 0 means no bound."""
    if mebibytes:
        limit = mebibytes << 20
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit is already in force
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
