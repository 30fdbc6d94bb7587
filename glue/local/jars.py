"""The committed lock of Java artifacts: what is downloaded, and the digest it must have.

``deploy/locks/jars.json`` names sets of Maven coordinates (``group:artifact:version[:packaging[:classifier]]``) and,
for each coordinate, size in bytes and SHA-256. It holds no address: the repository is whatever the Maven client
``jgo`` is configured for (Maven Central by default), so a mirror set there serves this project too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from glue.errors import ConfigError
from glue.local.downloads import Fetcher, Wanted
from glue.settings import cache_dir, shipped

LOCK_FILE = shipped("deploy/locks/jars.json")


@dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository, pinned."""

    coordinate: str
    sha256: str
    size: int

    @property
    def path(self) -> PurePosixPath:
        """Where a Maven repository keeps it: group as folders, artifact, version, file."""
        group, name, version, *rest = self.coordinate.split(":")
        packaging, classifier = [*rest, *["jar", ""][len(rest) :]]
        suffix = f"-{classifier}" if classifier else ""
        return PurePosixPath(*group.split("."), name, version, f"{name}-{version}{suffix}.{packaging}")


@dataclass(frozen=True)
class JarLock:
    """The parsed lock: artifacts by the name of their set."""

    sets: dict[str, tuple[Artifact, ...]]

    @classmethod
    def load(cls, file: Path = LOCK_FILE) -> JarLock:
        """Read the lock; :class:`ConfigError` when it is missing or malformed."""
        try:
            raw = json.loads(file.read_text())
            pinned = {
                name: Artifact(name, str(entry["sha256"]), int(entry["size"]))
                for name, entry in raw["artifacts"].items()
            }
            return cls({name: tuple(pinned[one] for one in members) for name, members in raw["sets"].items()})
        except (OSError, ValueError, KeyError, TypeError) as error:
            fix = "restore the file from version control, or generate it again with: python -m glue.local.relock"
            raise ConfigError(f"lock of Java artifacts {file}", f"{type(error).__name__}: {error}", fix) from error

    def __getitem__(self, name: str) -> tuple[Artifact, ...]:
        return self.sets[name]


@cache
def repositories() -> tuple[str, ...]:
    """Base addresses of Maven repositories, in jgo's own order: its default, then those of the user's jgo settings."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    found = {**MavenContext().remote_repos, **GlobalSettings.load().repositories}
    return tuple(url.rstrip("/") for url in found.values())


def fetch(artifacts: tuple[Artifact, ...], fetcher: Fetcher) -> list[Path]:
    """Download what is missing, verified, in parallel; the files in the order of ``artifacts``.

    Raises :class:`glue.errors.MillionXError` with the fix: no network, no space, a digest that does not match.
    """
    root = cache_dir() / "maven"
    wanted = [Wanted(_addresses(one.path), root / one.path, one.sha256, one.size) for one in artifacts]
    fetcher.fetch_all(wanted)
    return [one.target for one in wanted]


def _addresses(path: PurePosixPath) -> Callable[[], list[str]]:
    return lambda: [f"{base}/{path}" for base in repositories()]
