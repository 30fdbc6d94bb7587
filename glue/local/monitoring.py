"""What watches the pipeline, on top of it: Prometheus, and the programs that it asks about Redis, sources and canaries.

Prometheus runs on the same configuration and rules as everywhere (``deploy/prometheus``), with the targets of this
stack and a shorter interval.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from glue.errors import ConfigError
from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch
from glue.local.services import mxctl
from glue.settings import cache_dir, shipped

CONFIG = shipped("deploy/prometheus")
INTERVAL = "5s"
FIX = "install Prometheus and redis_exporter and put them on PATH; in a checkout, scripts/ensure-prometheus does it"
# job -> part and its port that tells metrics; chains are added as they are.
JOBS = {
    "kafka": ("kafka", "metrics"),
    "connect": ("connect", "metrics"),
    "registry": ("registry", "management"),
    "weaviate": ("weaviate", "metrics"),
    "redis": ("redis-exporter", "metrics"),
    "sources": ("source-metrics", "metrics"),
    "canary": ("canary", "metrics"),
}


def unpacked() -> Path:
    """Where ``scripts/ensure-prometheus`` unpacks Debian's packages."""
    return cache_dir() / "prometheus"


def program(*names: str) -> Path:
    """The first of ``names`` that is on PATH or unpacked. Raises :class:`ConfigError` when none is."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=str(unpacked() / "usr" / "bin"))
        if found:
            return Path(found)
    raise ConfigError("monitoring", f"the program {names[0]} is not there", FIX)


class _Watcher(Part):
    """Tells metrics at ``/metrics``; healthy when it does."""

    ports = ("metrics",)
    timeout_s = 60
    wave = 4

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'metrics')}/metrics", timeout_s=10)


class RedisExporter(_Watcher):
    """``redis_exporter``, which Debian calls ``prometheus-redis-exporter``."""

    name = "redis-exporter"

    def check(self, site: Site) -> None:
        program("prometheus-redis-exporter", "redis_exporter")

    def launch(self, site: Site) -> Launch:
        found = program("prometheus-redis-exporter", "redis_exporter")
        listen = f"-web.listen-address={site.address(self.name, 'metrics')}"
        redis = f"-redis.addr=redis://{site.address('redis', 'redis')}"
        return Launch([str(found), redis, listen], site.folder(self.name))


class SourceMetrics(_Watcher):
    """``mxctl metrics``."""

    name = "source-metrics"

    def launch(self, site: Site) -> Launch:
        return mxctl(site, ["metrics", "--port", str(site.port(self.name, "metrics"))])


class Canary(_Watcher):
    """``mxctl canary``, again and again."""

    name = "canary"

    def launch(self, site: Site) -> Launch:
        return mxctl(site, ["canary", "--every", "30s", "--metrics-port", str(site.port(self.name, "metrics"))])


class Prometheus(Part):
    """``prometheus``; healthy when it says that it is ready."""

    name = "prometheus"
    ports = ("http",)
    timeout_s = 60
    wave = 4

    def check(self, site: Site) -> None:
        given = site.settings.prometheus
        if given is not None and not given.is_file():
            raise ConfigError(f"Prometheus {given}", "there is no such file", "correct or unset MXCTL_PROMETHEUS")
        self._program(site)

    def _program(self, site: Site) -> Path:
        return site.settings.prometheus or program("prometheus")

    def prepare(self, site: Site) -> None:
        folder = site.folder(self.name)
        config: dict[str, Any] = yaml.safe_load((CONFIG / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        shutil.rmtree(folder / "rules", ignore_errors=True)
        shutil.copytree(CONFIG / "rules", folder / "rules")
        (folder / "targets").mkdir(exist_ok=True)
        for job, found in targets(site).items():
            (folder / "targets" / f"{job}.json").write_text(json.dumps(found, indent=1))

    def launch(self, site: Site) -> Launch:
        folder, found = site.folder(self.name), self._program(site)
        command = [
            str(found),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=7d",
            f"--web.listen-address={site.address(self.name, 'http')}",
            "--log.level=warn",
        ]
        if found.is_relative_to(unpacked()):
            command.append(f"--web.local-assets={unpacked() / 'usr' / 'share' / 'prometheus' / 'web'}/")
        return Launch(command, folder, files=(folder / "prometheus.yml", *sorted((folder / "rules").glob("*.yml"))))

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/-/ready")


def targets(site: Site) -> dict[str, list[dict[str, Any]]]:
    """What Prometheus asks, by job, in the form of ``file_sd``; it notices changes of these files by itself."""
    found = {
        job: [_target(site, name, port) for name in sorted(site.state.parts) if re.fullmatch(rf"{part}(-\d+)?", name)]
        for job, (part, port) in JOBS.items()
    }
    found["glue"] = [_target(site, name, "http") for name in sorted(site.state.parts) if name.startswith("chain-")]
    return found


def _target(site: Site, part: str, port: str) -> dict[str, Any]:
    return {"targets": [site.address(part, port)], "labels": {"instance": part, "service": part}}


MONITORING: tuple[Part, ...] = (RedisExporter(), SourceMetrics(), Canary(), Prometheus())
