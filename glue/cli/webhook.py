"""``mxctl webhook``: receive what vendors push."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click

from glue.cli.completion import source_names
from glue.cli.options import settings_for
from glue.errors import ServiceUnavailableError, UsageError
from glue.imports import needs

if TYPE_CHECKING:
    from glue.settings import Settings


@click.group()
def webhook() -> None:
    """Receive webhooks of shops."""


@webhook.command()
@click.option(
    "--source",
    shell_complete=source_names,
    help="Source of the webhooks [default: the only one with webhooks].",
)
@click.option("--host", help="Address to listen on [default: MXCTL_BIND, else 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65_535), default=8088, show_default=True, help="Port to listen on.")
def serve(source: str | None, host: str | None, port: int) -> None:
    """Serve POST /webhooks/SOURCE; an order is acknowledged only after Kafka has it."""
    with needs("mxctl webhook", "webhook"):
        import uvicorn

        from connectors.compliance import Desk
        from connectors.webhook import MOST_CONNECTIONS, load_webhook, make_app, receiver
    settings = settings_for()
    host = host or settings.bind
    source = source or _only_source(settings)
    config, options = load_webhook(source, settings)
    desk = Desk(settings, options, config.source_class().merchant_of(lambda name: str(getattr(options, name))))
    with receiver(source, settings, config, options) as taking:
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(taking, source, options, desk),
                host=host,
                port=port,
                log_level="warning",
                access_log=False,
                limit_concurrency=MOST_CONNECTIONS,
            )
        )
        click.echo(f"webhooks: http://{host}:{port}/webhooks/{source}", err=True)
        # uvicorn raises the signal again when it is done; what waits must still be written then.
        signal.signal(signal.SIGTERM, lambda *_: None)
        # What can store nothing any more ends, so that whoever supervises it starts it anew.
        stop = threading.Thread(target=lambda: setattr(server, "should_exit", taking.fenced.wait()), daemon=True)
        stop.start()
        try:
            server.run()
        except SystemExit as error:
            raise UsageError(f"port {port}", "it cannot be listened on", "choose another --port") from error
        if taking.fenced.is_set():
            raise ServiceUnavailableError("webhook", "its producer can store nothing any more", "start it again")


def _only_source(settings: Settings) -> str:
    """The declared source that has webhooks.

    Raises:
        UsageError: there is none, or more than one.
    """
    from connectors.config import load_source
    from connectors.config import source_names as names
    from connectors.shopify import Shopify

    classes = {name: load_source(name, settings, resolve=False).source_class() for name in names(settings)}
    found = [name for name, source in classes.items() if issubclass(source, Shopify)]
    if len(found) != 1:
        why = f"{', '.join(found)} have webhooks" if found else "no declared source has webhooks"
        raise UsageError("webhook", why, "name one with --source" if found else "declare one in connect-config/sources")
    return found[0]
