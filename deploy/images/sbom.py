"""Print the software bill of materials of an image (CycloneDX 1.6, JSON) from the locks that it is built from.

    python sbom.py --name millionx/glue --version 0.1.0 --lock glue.lock [--jars jars.json --set kafka …]

The same locks give the same bytes: no time, no random number. A package's hashes are those of the files that the lock
allows. What comes with the base image is not in it; that image has a bill of its own. Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from pick_lock import read_lock

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "millionx.bd")


def python_packages(lock: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Components and dependencies of a pip-compile lock."""
    pins = read_lock(lock)
    purls = {name: f"pkg:pypi/{name}@{pin.version}" for name, pin in pins.items()}
    components = [_library(name, pin.version, purls[name], pin.hashes) for name, pin in pins.items()]
    needs: dict[str, list[str]] = {purl: [] for purl in purls.values()}
    for name, pin in pins.items():
        for parent in pin.wanted_by & pins.keys():
            needs[purls[parent]].append(purls[name])
    return components, [{"ref": ref, "dependsOn": sorted(on)} for ref, on in needs.items()]


def jars(lock: str, sets: list[str]) -> list[dict[str, Any]]:
    """Components of the named sets of ``deploy/locks/jars.json``."""
    read = json.loads(lock)
    found = []
    for coordinate in sorted({one for name in sets for one in read["sets"][name]}):
        group, name, version, *rest = coordinate.split(":")
        qualifiers = "&".join(f"{key}={value}" for key, value in zip(("type", "classifier"), rest, strict=False))
        purl = f"pkg:maven/{group}/{name}@{version}" + (f"?{qualifiers}" if qualifiers else "")
        found.append(
            {"group": group, **_library(name, version, purl, [read["artifacts"][coordinate]["sha256"]])},
        )
    return found


def bill(name: str, version: str, lock: str, jar_lock: str = "", jar_sets: list[str] | None = None) -> dict[str, Any]:
    """The whole bill of image ``name``."""
    components, dependencies = python_packages(lock)
    components += jars(jar_lock, jar_sets) if jar_sets else []
    content = json.dumps([name, version, components], sort_keys=True)
    image = {"type": "container", "bom-ref": name, "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}",
        "version": 1,
        "metadata": {"component": {**image, "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": components,
        "dependencies": dependencies,
    }


def _library(name: str, version: str, purl: str, sha256: list[str]) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest} for digest in sha256]
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": hashes}


def main() -> None:
    """Print the bill."""
    parser = argparse.ArgumentParser(description="Print the CycloneDX bill of materials of an image.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--lock", type=Path, action="append", default=[], help="pip-compile lock; repeatable")
    parser.add_argument("--jars", type=Path, help="deploy/locks/jars.json")
    parser.add_argument("--set", action="append", default=[], help="set of jars; repeatable")
    arguments = parser.parse_args()
    lock = "\n".join(file.read_text(encoding="utf-8") for file in arguments.lock)
    jar_lock = arguments.jars.read_text(encoding="utf-8") if arguments.jars else ""
    json.dump(bill(arguments.name, arguments.version, lock, jar_lock, arguments.set), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
