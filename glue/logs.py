"""One log format for every program: text for people, JSON lines when asked (``MXCTL_LOG_FORMAT=json``)."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from glue.settings import get_settings


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO-8601 UTC), level, logger, message, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def setup_logging() -> None:
    """Send all logs to stderr in the configured format and level; stdout stays free for output."""
    settings = get_settings()
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpx2", "httpcore", "urllib3", "snowflake"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of every try that it repeats; their outcome is reported once, as an error with its fix.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # Libraries switch Python's warnings on for everybody; they are for developers, so they are shown at DEBUG.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if settings.log_level == "DEBUG" else logging.ERROR)
