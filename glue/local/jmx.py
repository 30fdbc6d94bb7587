"""What a JVM tells by JMX, as Prometheus reads it: the exporter runs inside the JVM, on a loopback port of the part."""

from __future__ import annotations

from pathlib import Path

from glue.local import jars
from glue.local.part import Site

PORT = "metrics"  # name of the port
RULES = Path(__file__).resolve().parents[2] / "deploy" / "jmx"


def rules(part: str) -> Path:
    """Which beans become which metrics; the same file serves the containers."""
    return RULES / f"{part}.yml"


def agent(site: Site, part: str) -> str:
    """The option that puts the exporter into the JVM of ``part``; downloads it when it is missing."""
    (jar,) = jars.fetch(jars.JarLock.load()["jmx"], site.fetcher)
    return f"-javaagent:{jar}={site.address(part, PORT)}:{rules(part)}"
