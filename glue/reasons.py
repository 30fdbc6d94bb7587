"""Why a record was refused, for people: the field and the rule, and never a value of the record.

The text of another library's exception may quote what it was given. So only what is part of the program is
reported of such an exception: a text that is a constant of the code that raised it, and the expression that failed.
"""

from __future__ import annotations

import linecache
import re
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from glue.errors import ConfigError, MillionXError

_NAMES_A_FIELD = re.compile(r"""\[\s*["']\w+["']\s*\]|["'][\w.]+["']\s*[,)]""")
_LONGEST = 100
_MOST = 5


def reason_of(error: BaseException) -> str:
    """What is safe to report of ``error``, such as ``line_items is missing`` or ``TypeError at order["items"]``."""
    if isinstance(error, MillionXError):
        return str(error)
    if isinstance(error, ValidationError):
        return broken_fields(error)
    constant = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    constant = constant if constant and _is_constant(constant, error.__traceback__) else ""
    if constant and isinstance(error, KeyError):
        return f"{constant} is missing"
    field, innermost = _failing_expression(error.__traceback__)
    where = field or ("" if constant else innermost)
    return f"{constant or type(error).__qualname__}{f' at {where}' if where else ''}"


def broken_fields(error: ValidationError, whole: str = "record", prefix: str = "", most: int = _MOST) -> str:
    """Which fields are wrong and how, and never a value.

    Args:
        whole: what is wrong where no field is.
        prefix: goes before each field.
        most: how many are reported.
    """
    problems: list[Any] = error.errors(include_input=False, include_context=False, include_url=False)
    problems.sort(key=lambda one: one["type"] == "missing")  # what is wrong says more than what is missing with it
    fields = (prefix + ".".join(map(str, one["loc"])) if one["loc"] else whole for one in problems)
    return "; ".join(f"{field}: {_rule(one)}" for field, one in list(zip(fields, problems, strict=True))[:most])


def invalid(what: str, error: ValidationError, fix: str, prefix: str = "") -> ConfigError:
    """The error for a file or settings that their model refuses: every wrong field, and never a value."""
    return ConfigError(what, broken_fields(error, "file", prefix, most=100), fix)


def _rule(problem: dict[str, Any]) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")


def _is_constant(text: str, at: TracebackType | None) -> bool:
    """Whether ``text`` is a constant of the function that raised, and so not data."""
    if at is None:
        return False
    while at.tb_next is not None:
        at = at.tb_next
    return text in at.tb_frame.f_code.co_consts


def _failing_expression(at: TracebackType | None) -> tuple[str, str]:
    """The innermost failing expression that names a field, and the innermost of all; empty where there is none."""
    field = innermost = ""
    while at is not None:
        expression = _expression(at)
        if expression and not expression.startswith("raise"):
            innermost = expression
            field = expression if _NAMES_A_FIELD.search(expression) else field
        at = at.tb_next
    return field, innermost


def _expression(at: TracebackType) -> str:
    code = at.tb_frame.f_code
    positions = list(code.co_positions())[at.tb_lasti // 2]
    first, last, begin, end = positions
    if first is None or last is None or begin is None or end is None:
        return ""
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    if not all(lines):
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    text = " ".join(b" ".join(lines).decode("utf-8", "replace").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
