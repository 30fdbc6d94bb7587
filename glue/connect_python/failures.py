"""Python exceptions as Connect shall see them: which kind, what text, whose frames."""

from __future__ import annotations

from pathlib import PurePath
from types import TracebackType
from typing import Any

from glue.connect_python.wire import Op
from glue.errors import ConfigError, DataError, MillionXError, Transient, UsageError

_RETRY_AFTER_MS = 1000
_OURS, _PLUGINS = "glue.connect_python.", "glue.connect_python.sinks."
Frame = tuple[str, str, str, int]


def frames(traceback: TracebackType | None) -> list[Frame]:
    """Module, function, file name and line of each call, innermost first, without those of the bridge."""
    found: list[Frame] = []
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", "?"))
        if module.startswith(_PLUGINS) or not (module.startswith(_OURS) or module == "__main__"):
            code = frame.f_code
            found.append((module, code.co_qualname, PurePath(code.co_filename).name, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found[::-1]


def text(error: BaseException, full: bool) -> str:
    """The message of an exception: its type, and its text where that is safe to show.

    Errors of this project hold no data by contract; any other text is given only if ``full``.
    """
    if isinstance(error, MillionXError):
        return f"{error} ({error.fix})" if error.fix else str(error)
    name = type(error).__name__
    return f"{name}: {error}" if full and str(error) else name


def status(error: BaseException, unforeseen: Op) -> Op:
    """Which of Connect's exceptions represents ``error``; ``unforeseen`` where nothing says."""
    if isinstance(error, Transient | ConnectionError | TimeoutError):
        return Op.RETRY
    if isinstance(error, DataError):
        return Op.DATA
    if isinstance(error, ConfigError | UsageError):
        return Op.CONFIG
    return unforeseen


def reply(error: BaseException, unforeseen: Op, full: bool) -> list[Any]:
    """The message that tells Java of ``error``: status, text, frames, milliseconds to wait before a retry."""
    wait = getattr(error, "retry_after_ms", _RETRY_AFTER_MS)
    return [status(error, unforeseen), text(error, full), frames(error.__traceback__), wait]
