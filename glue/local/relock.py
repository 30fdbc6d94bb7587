"""Regenerates ``deploy/locks/jars.json``: ``python -m glue.local.relock`` (when a version here changes)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from glue.local.jars import LOCK_FILE
from glue.settings import cache_dir

# Not 4.3.0 to 4.4.0: they leave out the end of a transaction in a partition that has no leader at that moment
# (KAFKA-20734), and the next commit shows what was aborted. `tests/glue/local/test_leaderless.py` tries it.
KAFKA = "4.2.2"
LOG4J = "2.24.3"
# What each set needs; "+" at the end asks for everything it depends on as well.
WANTED: dict[str, tuple[str, ...]] = {
    # The broker, its tools and the Connect worker share one class path.
    "kafka": (
        f"org.apache.kafka:kafka_2.13:{KAFKA}+",
        f"org.apache.kafka:kafka-tools:{KAFKA}+",
        f"org.apache.kafka:connect-runtime:{KAFKA}+",
        f"org.apache.kafka:connect-json:{KAFKA}+",
        f"org.apache.kafka:connect-transforms:{KAFKA}+",
        "org.apache.kafka:connect-basic-auth-extension:4.2.0",  # 4.2.2 of it was not to be had
        # Kafka's own archive adds it; its POM leaves the choice of a logger open. Alone: its parent would manage
        # versions.
        f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
    ),
    "registry": ("io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all",),
    "snowflake": (
        "com.snowflake:snowflake-kafka-connector:2.5.0",
        "org.bouncycastle:bcpkix-fips:1.0.7",
        "org.bouncycastle:bc-fips:1.0.2.5",
    ),
    # For the profile postgres only; with its driver and everything else inside.
    "postgres": ("io.debezium:debezium-connector-jdbc:3.3.1.Final:tar.gz:plugin",),
    "compiler": ("org.eclipse.jdt:ecj:3.43.0",),
    # Shows what a JVM tells by JMX as Prometheus reads it.
    "jmx": ("io.prometheus.jmx:jmx_prometheus_javaagent:1.0.1",),
    # Makes Strimzi's CRDs for `make kube-proof`; the generator brings all that it needs.
    "strimzi": ("io.strimzi:api:1.2.0", "io.strimzi:crd-generator:1.2.0"),
}


def _dependency(context: Any, coordinate: str) -> Any:
    group, name, version, *rest = coordinate.split(":")
    packaging, classifier = [*rest, *["jar", ""][len(rest) :]]
    # Empty fields make jgo read by position: group, artifact, version, classifier, packaging.
    return context.create_dependency(f"{group}:{name}:{version}:{classifier}:{packaging}:")


def _name(dependency: Any) -> str:
    parts = [dependency.groupId, dependency.artifactId, dependency.version]
    if dependency.classifier or dependency.type != "jar":
        parts.append(dependency.type)
    if dependency.classifier:
        parts.append(dependency.classifier)
    return ":".join(parts)


def relock(file: Path = LOCK_FILE) -> int:
    """Resolve :data:`WANTED`, download it, write size and SHA-256 of each artifact; returns how many."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=cache_dir() / "relock")
    sets: dict[str, list[str]] = {}
    artifacts: dict[str, dict[str, str | int]] = {}
    for name, coordinates in WANTED.items():
        deep = [_dependency(context, one[:-1]) for one in coordinates if one.endswith("+")]
        flat = [_dependency(context, one) for one in coordinates if not one.endswith("+")]
        resolved = [one for group in context.resolver.resolve(deep) for one in group] if deep else []
        sets[name] = sorted({_name(one) for one in [*resolved, *flat]})
        for dependency in [*resolved, *flat]:
            content = dependency.artifact.resolve().read_bytes()
            artifacts[_name(dependency)] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"sets": sets, "artifacts": dict(sorted(artifacts.items()))}
    file.write_text(json.dumps(document, indent=1) + "\n")
    return len(artifacts)


if __name__ == "__main__":
    print(f"{relock()} artifacts locked")
