"""How many brokers, Connect workers and instances of each chain a local stack has: one of each, or as ``up`` was told.

``<state_dir>/size.json``, which a purge deletes: the data of the brokers is spread over just so many of them.
"""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from glue.errors import ConfigError
from glue.files import write_whole

MOST_WORKERS = 4


@dataclass(frozen=True)
class Size:
    """Numbers of a stack; ``cluster`` is the id that the disks of several brokers share."""

    brokers: int = 1
    workers: int = 1  # of Kafka Connect, and instances of each chain
    cluster: str = ""

    @property
    def instances(self) -> range:
        """The numbers of the workers."""
        return range(1, self.workers + 1)

    @property
    def in_sync(self) -> int:
        """Copies that must have a record before it counts as written: one broker less than all may be away."""
        return max(1, self.brokers - 1)


def size_of(root: Path) -> Size:
    """The size of the stack in ``root``.

    Raises:
        ConfigError: its file cannot be read.
    """
    file = root / "size.json"
    try:
        return Size(**json.loads(file.read_text()))
    except FileNotFoundError:
        return Size()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"size of the local stack {file}", str(error), "mxctl local down --purge") from error


def make_size(root: Path, brokers: int | None, workers: int | None) -> None:
    """Give the stack in ``root`` this size; what is None stays as it is.

    Raises:
        ConfigError: it has data already, on another number of brokers.
    """
    was = size_of(root)
    size = replace(was, brokers=brokers or was.brokers, workers=workers or was.workers)
    if size.brokers != was.brokers and (root / "kafka" / "data").exists():
        fix = "delete its data first: mxctl local down --purge; or name another folder: MXCTL_STATE_DIR"
        raise ConfigError(f"local stack in {root}", f"it keeps data, and its brokers are {was.brokers}", fix)
    if size != was:
        several = size.brokers > 1
        size = replace(size, cluster=(size.cluster or cluster_id()) if several else "")
        write_whole(root / "size.json", json.dumps(asdict(size), indent=1).encode() + b"\n")


def numbered(name: str, number: int) -> str:
    """The name of a part of which there are several: ``kafka``, ``kafka-2`` …"""
    return name if number == 1 else f"{name}-{number}"


def cluster_id() -> str:
    """A random id in the form of Kafka's ``Uuid``; like there, none begins with "-", which tools take for an option."""
    while True:
        found = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not found.startswith("-"):
            return found
