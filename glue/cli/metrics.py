"""``mxctl metrics``: what the runs of all sources did, for Prometheus."""

from __future__ import annotations

import click

from glue.cli.options import serve_metrics, settings_for, stopped_by_signal


@click.command()
@click.option("--port", type=int, default=9120, show_default=True, help="Port (of MXCTL_BIND) to listen on; 0: any.")
def metrics(port: int) -> None:
    """Serve the totals of all runs of all sources, cron jobs among them, to Prometheus."""
    from prometheus_client import CollectorRegistry

    from connectors.config import load_source, source_names
    from connectors.exporter import Reader, SourcesCollector
    from glue.kafka.config import KafkaConfig

    settings, stop = settings_for(), stopped_by_signal()
    intervals = {
        name: load_source(name, settings, resolve=False).every.total_seconds() for name in source_names(settings)
    }
    registry, reader = CollectorRegistry(), Reader(KafkaConfig.of(settings))
    registry.register(SourcesCollector(reader, intervals))
    server = serve_metrics(port, settings, registry=registry)
    stop.wait()
    server.shutdown()
    reader.close()
