"""Why Weaviate refused an object: the object is wrong, the fault is transient, or the operator must act."""

from __future__ import annotations

import re

from glue.errors import MillionXError, ServiceError, ServiceUnavailableError

# what a node says while it can not write: nothing is wrong with the object, and later it will be taken
_TRANSIENT = re.compile(
    r"read.?only|no space|disk|deadline|unavailable|timed? ?out|connect|shutting down|shut down|closed|memory|leader"
    r"|replica|broadcast|consistency|too many|transport|not ready|locked|context canceled|status code: (429|5\d\d)",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"unauthenticated|unauthorized|permission.?denied|forbidden|status code: 40[13]", re.IGNORECASE)
_OBJECT = re.compile(r"^invalid |vector dimensions|dimensions|vector lengths", re.IGNORECASE)
# Weaviate quotes the value it refuses; a dead letter's headers must not
_QUOTED = re.compile(r"(given value is|got|value:|parsing time)\s.*$", re.IGNORECASE | re.DOTALL)

_ALL_FAILED = "Here is the set of all errors: "


def is_transient(message: str) -> bool:
    """Whether an object was refused for reasons that pass, so that trying again makes sense."""
    return bool(_TRANSIENT.search(message)) and not _OBJECT.search(message)


def reason(message: str) -> str:
    """Why an object was refused, without the value."""
    return _QUOTED.sub(r"\1 …", message.rpartition(_ALL_FAILED)[2].strip())


def is_timeout(error: Exception) -> bool:
    """Whether a failed call was late, rather than not connected."""
    return bool(re.search(r"timed? ?out|deadline", f"{type(error).__name__} {error}", re.IGNORECASE))


def is_too_large(error: Exception) -> bool:
    """Whether a request was refused for its size alone."""
    return "larger than max" in str(error)


def of_call(error: Exception, url: str) -> MillionXError:
    """The error for a call that failed as a whole."""
    if isinstance(error, ServiceUnavailableError):
        return error
    text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if _FORBIDDEN.search(str(error)):
        return ServiceError(f"Weaviate at {url}", text, "check weaviate.api.key and the rights of its user")
    return ServiceUnavailableError(f"Weaviate at {url}", text, "start it, or wait for it; nothing is lost")
