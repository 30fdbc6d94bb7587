"""``mxctl metrics``: what the runs of all sources did, for Prometheus."""

from __future__ import annotations

import signal
import threading

import click

from glue.cli.options import settings_for


@click.command()
@click.option("--port", type=int, default=9120, show_default=True, help="Port (of MXCTL_BIND) to listen on; 0: any.")
def metrics(port: int) -> None:
    """Serve the totals of all runs of all sources, cron jobs among them, to Prometheus."""
    from prometheus_client import CollectorRegistry, start_http_server

    from connectors.config import load_source, source_names
    from connectors.exporter import Reader, SourcesCollector
    from glue.kafka.config import KafkaConfig

    settings, stop = settings_for(), threading.Event()
    intervals = {
        name: load_source(name, settings, resolve=False).every.total_seconds() for name in source_names(settings)
    }
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    registry, reader = CollectorRegistry(), Reader(KafkaConfig.of(settings))
    registry.register(SourcesCollector(reader, intervals))
    server, _ = start_http_server(port, settings.bind, registry)
    click.echo(f"metrics: http://{settings.bind}:{server.server_port}/metrics", err=True)
    stop.wait()
    server.shutdown()
    reader.close()
