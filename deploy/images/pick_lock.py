"""Print the part of a pip-compile lock that an image needs, hashes and all.

    python pick_lock.py --extra webhook          the distribution's own needs and those of the extra
    python pick_lock.py --only setuptools        that package and what it needs

The lock says under each package who wants it (``# via``); from there the picks follow without a network and without an
installed package, so the one committed lock serves every image. Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

_PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ \\;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass
class Pin:
    """One package of the lock: its lines, its version, its files' SHA-256, and the packages that want it."""

    name: str
    version: str
    lines: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    wanted_by: set[str] = field(default_factory=set)


def read_lock(text: str) -> dict[str, Pin]:
    """The pins of a lock by name."""
    pins: dict[str, Pin] = {}
    pin: Pin | None = None
    for line in text.splitlines():
        if found := _PIN.match(line):
            pin = pins[found[1]] = Pin(found[1], found[2])
        if pin is None:
            continue
        if line.lstrip().startswith("#"):
            wanted_by = line.lstrip(" #").removeprefix("via").strip()
            if wanted_by:
                pin.wanted_by.add(wanted_by.split()[0])
        else:
            pin.lines.append(line)
            pin.hashes += _HASH.findall(line)
    return pins


def wanted(pyproject: Path, extras: list[str]) -> set[str]:
    """Names of the packages that the distribution asks for itself, with those of ``extras``."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return {normal(found[0]) for one in asked if (found := _NAME.match(one))}


def normal(name: str) -> str:
    """A package's name as the lock writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pick(pins: dict[str, Pin], roots: set[str]) -> list[Pin]:
    """``roots`` and all that they want, directly or not, in the order of the lock."""
    if missing := sorted(roots - pins.keys()):
        raise SystemExit(f"not in the lock: {', '.join(missing)}; write it anew with: make lock")
    chosen, before = set(roots), 0
    while len(chosen) != before:
        before = len(chosen)
        chosen |= {name for name, pin in pins.items() if pin.wanted_by & chosen}
    return [pin for name, pin in pins.items() if name in chosen]


def main() -> None:
    """Print the picks."""
    parser = argparse.ArgumentParser(description="Print the part of a pip-compile lock that an image needs.")
    parser.add_argument("--lock", type=Path, default=Path("requirements.lock"))
    parser.add_argument("--pyproject", type=Path, default=Path("pyproject.toml"))
    parser.add_argument("--extra", action="append", default=[], help="extra of the distribution; repeatable")
    parser.add_argument("--only", action="append", default=[], help="this package instead of the distribution")
    arguments = parser.parse_args()
    roots = set(map(normal, arguments.only)) or wanted(arguments.pyproject, arguments.extra)
    for pin in pick(read_lock(arguments.lock.read_text(encoding="utf-8")), roots):
        sys.stdout.write("\n".join(pin.lines) + "\n")


if __name__ == "__main__":
    main()
