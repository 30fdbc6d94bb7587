"""What is wrong with an installation before a service is asked: where it points, its machine, its files of keys."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from glue.avro_codec import in_use
from glue.errors import Finding
from glue.settings import SERVICES, cache_dir, is_of_stack, local_stack, state_dir
from glue.topology.services import Services

_GB = 1 << 30


def cluster(services: Services) -> Iterator[Finding]:
    """Which cluster is talked to, and why that one."""
    settings, local = services.settings, local_stack()
    stack = f"the local stack in {state_dir()}"
    kafka = f"Kafka at {settings.kafka}"
    if not is_of_stack("kafka", settings.kafka, local):
        named = "kafka" in settings.model_fields_set
        why = "MXCTL_KAFKA names it" if named else "the default, as nothing names another"
        yield Finding("cluster", "ok", f"{kafka}: {why}{f'; nothing of {stack} is used' if local else ''}")
        return
    other = (one for one in SERVICES if one in local and not is_of_stack(one, getattr(settings, one), local))
    own = [f"MXCTL_{one.upper()}" for one in other]
    if own:
        fix = f"unset {' and '.join(own)} to use the stack alone, or set MXCTL_KAFKA too"
        yield Finding("cluster", "warn", f"{kafka}: {stack}, but for {', '.join(own)}", fix)
    else:
        yield Finding("cluster", "ok", f"{kafka}: {stack}")


def python(services: Services) -> Iterator[Finding]:
    """Its Python, and how it reads Avro."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding("python", "ok" if good else "fail", version, "" if good else "install Python 3.11 or later")
    slow = "" if in_use() == "native" else ", which is slower: a C compiler was missing when this was installed"
    yield Finding("python", "ok", f"Avro: {in_use()}{slow}")


def disk(services: Services) -> Iterator[Finding]:
    """Room for the state and the cache."""
    for label, folder in (("state", state_dir()), ("cache", cache_dir())):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(there).free / _GB
        state = "ok" if free > 2 else "warn" if free > 0.5 else "fail"
        if _read_only(there):  # a container's, by design: nothing that runs there keeps anything
            yield Finding("disk", "ok", f"{label}: {there} is mounted read-only")
            continue
        writable = os.access(there, os.W_OK)
        fix = "free some space, or set MXCTL_STATE_DIR and MXCTL_CACHE_DIR to another disk" if state != "ok" else ""
        fix = fix if writable else f"set MXCTL_{label.upper()}_DIR to a folder that you may write to"
        yield Finding("disk", state if writable else "fail", f"{label}: {free:.1f} GB free in {there}", fix)


def _read_only(file: Path) -> bool:
    return bool(os.statvfs(file).f_flag & os.ST_RDONLY)


def keys(services: Services) -> Iterator[Finding]:
    """Whether others may read a file of keys or of a password."""
    settings = services.settings
    pseudonyms = settings.hash_keys_file
    if pseudonyms is None or not Path(pseudonyms).is_file():
        fix = "mxctl local up makes one; in production set MXCTL_HASH_KEYS_FILE"
        yield Finding("secrets", "warn", "keys of pseudonyms: no file", fix)
    files = {getattr(settings, name) for name in type(settings).model_fields if name.endswith("_file")}
    for file in sorted(file for file in files if file is not None and Path(file).is_file()):
        if _read_only(Path(file)) or Path(file).stat().st_uid != os.geteuid():
            # Mounted: who may read it is decided where it comes from, and a container's user is not its owner.
            yield Finding("secrets", "ok", f"{file}: given to this program, which may not change it")
            continue
        loose = bool(Path(file).stat().st_mode & 0o077)
        state, detail = ("warn", "others may read it") if loose else ("ok", "only its owner may read it")
        yield Finding("secrets", state, f"{file}: {detail}", f"chmod 600 {file}" if loose else "")
