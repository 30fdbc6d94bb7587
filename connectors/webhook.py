"""Receives Shopify's webhooks: checked, deduplicated, and answered only after Kafka has them.

One thread writes; webhooks that come together share a transaction, so that many a second are answered fast. What a
receiver misses, the ordinary poll of the same source finds; each knows what the other sent.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.checkpoint import lease, read_checkpoint
from connectors.compliance import COMPLIANCE, Desk, comply
from connectors.config import SourceConfig, load_source
from connectors.http import Http
from connectors.limits import TokenBucket
from connectors.producer import SourceProducer
from connectors.publisher import Publisher
from connectors.runner import webhook_key
from connectors.shopify import Shopify, ShopifyOptions
from connectors.source import Context, Raw
from connectors.stats import Stats
from glue.errors import ConfigError, MillionXError, ServiceUnavailableError, UsageError
from glue.kafka.config import KafkaConfig
from glue.kafka.produce import FencedError
from glue.privacy.fingerprint import fingerprint
from glue.registry import registry_client
from glue.settings import Settings, state_dir

log = logging.getLogger(__name__)
MAX_BODY = 2 * 1024 * 1024
ANSWER_WITHIN = 4.0  # seconds; Shopify waits five
BODY_WITHIN = 10.0  # seconds for a body to arrive: an unsigned caller must not hold a connection for longer
MOST_CONNECTIONS = 200  # beyond it the answer is 503, and Shopify comes again
_UNKNOWN_TOPIC = 404
_BATCH = 200
_REFRESH = 30.0
_ANSWERS = Counter("millionx_webhook_answers_total", "Webhooks by HTTP status of the answer.", ["source", "status"])
_UNKNOWN = Counter("millionx_webhook_unknown_total", "Signed webhooks of topics that nothing here expects.", ["source"])


def signature(secret: str, body: bytes) -> str:
    """``X-Shopify-Hmac-Sha256``: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def is_signed(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Whether one of ``secrets`` (two while one rotates) signed ``body``; takes the same time whichever does."""
    matches = [hmac.compare_digest(signature(secret, body).encode(), given.encode()) for secret in secrets]
    return any(matches)


@dataclass
class _Item:
    raw: Raw
    webhook_id: str
    done: Future[None]


class Receiver:
    """Writes what webhooks bring. ``start`` once, ``submit`` from any thread, ``close`` once.

    Attributes:
        failing: whether the last batch was not stored.
        fenced: set when its producer can never store anything again, so that the process has to be started anew.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._queue: queue.Queue[_Item | None] = queue.Queue(maxsize=10_000)
        self._thread = threading.Thread(target=self._write, name="webhook-writer", daemon=True)
        self.failing = False
        self.fenced = threading.Event()

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def knows(self, webhook_id: str) -> bool:
        """Whether this webhook was taken before."""
        return self._publisher.knows(_token(webhook_id))

    def submit(self, raw: Raw, webhook_id: str) -> Future[None]:
        """Hand over one native record; the future ends when Kafka has it, or with why it has not.

        Raises:
            ServiceUnavailableError: too many are waiting.
        """
        item = _Item(raw, webhook_id, Future())
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            raise ServiceUnavailableError("webhook", "too many are waiting") from None
        return item.done

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = [first], False
            while len(batch) < _BATCH and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    last = True
                    break
                batch.append(more)
            self._deliver(batch)
            if last:
                return

    def _deliver(self, waiting: list[_Item]) -> None:
        # Who was answered already sends it again; from here on a waiter that gives up can no longer cancel its future.
        batch = [item for item in waiting if item.done.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            self._publisher.deliver([item.raw for item in batch], None, [_token(item.webhook_id) for item in batch])
            self.failing = False
        except Exception as error:  # whoever waits must get an answer
            self.failing = True
            log.error("webhooks: %s", error if isinstance(error, MillionXError) else type(error).__name__)
            if isinstance(error, FencedError):
                self.fenced.set()
            for item in batch:
                item.done.set_exception(error)
        else:
            for item in batch:
                item.done.set_result(None)

    @property
    def alive(self) -> bool:
        """Whether it writes."""
        return self._thread.is_alive() and not self.failing

    def close(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join(timeout=30)


def _token(webhook_id: str) -> str:
    return f"webhook:{webhook_id}"


@contextmanager
def receiver(name: str, settings: Settings, config: SourceConfig, options: ShopifyOptions) -> Iterator[Receiver]:
    """A receiver for source ``name``, with its own lease and checkpoint.

    Raises:
        LockHeldError: another one is running.
        ServiceError, ServiceUnavailableError: Kafka or the registry cannot be used.
    """
    key, stats = webhook_key(name), Stats(name)
    http = Http(TokenBucket(1, 1), config.retry, config.timeouts, stats, threading.Event())
    with lease(KafkaConfig.of(settings), f"{name}.webhook", wait=15.0):
        producer = SourceProducer(KafkaConfig.of(settings), registry_client(settings), f"{name}.webhook")
        source = Shopify(options, Context(http, state_dir() / "evidence" / name))
        publisher = Publisher(config, source, producer, stats, read_checkpoint(KafkaConfig.of(settings), key), key)
        stop = threading.Event()
        made = Receiver(publisher)
        watcher = threading.Thread(target=_watch_poll, args=(publisher, name, settings, stop), daemon=True)
        made.start()
        watcher.start()
        try:
            yield made
        finally:
            stop.set()
            made.close()
            producer.close()


def _watch_poll(publisher: Publisher, name: str, settings: Settings, stop: threading.Event) -> None:
    """Learn now and then what the poll has sent, so that late webhooks do not send it again."""
    while not stop.is_set():
        try:
            publisher.others = [read_checkpoint(KafkaConfig.of(settings), name).seen]
        except Exception as error:  # it is asked again, whatever this was
            why = error if isinstance(error, MillionXError) else type(error).__name__
            log.info("webhooks: what the poll sent is not known now (%s)", why)
        stop.wait(_REFRESH)


def make_app(receiver: Receiver, name: str, options: ShopifyOptions, desk: Desk | None = None) -> Starlette:
    """``POST /webhooks/NAME``, ``GET /health``, ``GET /metrics``.

    Args:
        desk: takes the requests of persons and shops; without it they are answered 503, so that they come again.

    Raises:
        ConfigError: no secret is configured.
    """
    secrets = [secret.get_secret_value() for secret in options.webhook_secrets if secret.get_secret_value()]
    if not secrets:
        raise ConfigError(f"webhook {name}", "options.webhook_secrets is empty", "set the shop's webhook secret")

    _UNKNOWN.labels(name)

    async def take(request: Request) -> Response:
        started = time.monotonic()
        status, text = await _take(request, receiver, options, secrets, desk)
        if status == _UNKNOWN_TOPIC:
            _UNKNOWN.labels(name).inc()
        _ANSWERS.labels(name, str(status)).inc()
        log.debug("webhook answered %d in %.3f s", status, time.monotonic() - started)
        return JSONResponse({"status": text}, status)

    async def health(_request: Request) -> Response:
        return JSONResponse({"ready": receiver.alive}, 200 if receiver.alive else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route(f"/webhooks/{name}", take, methods=["POST"]),
            Route("/health", health),
            Route("/metrics", metrics),
        ]
    )


async def _take(
    request: Request, receiver: Receiver, options: ShopifyOptions, secrets: Sequence[str], desk: Desk | None
) -> tuple[int, str]:
    headers = request.headers
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await _body(request)
    except TimeoutError:
        return 408, "the body did not arrive in time"
    if body is None:
        return 413, "too large"
    if not is_signed(body, headers.get("X-Shopify-Hmac-Sha256", ""), secrets):
        return 401, "not signed by this shop"
    if options.shop_domain and headers.get("X-Shopify-Shop-Domain") != options.shop_domain:
        return 401, "another shop"
    topic = headers.get("X-Shopify-Topic", "")
    if topic in COMPLIANCE:
        return await comply(desk, topic, body, headers.get("X-Shopify-Triggered-At", ""), ANSWER_WITHIN)
    if topic not in options.webhook_topics:
        log.warning("webhook of an unexpected topic: unsubscribe it, or name it in options.webhook_topics")
        return _UNKNOWN_TOPIC, "no such topic here"
    webhook_id = headers.get("X-Shopify-Webhook-Id") or fingerprint(body).hex()
    if receiver.knows(webhook_id):
        return 200, "known"
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raw = {"body": body.decode("utf-8", "replace")}  # signed, but no JSON: a dead letter, and no more retries
    try:
        await asyncio.wait_for(asyncio.wrap_future(receiver.submit(raw, webhook_id)), ANSWER_WITHIN)
    except (MillionXError, TimeoutError):
        return 503, "not stored, send it again"
    return 200, "stored"


async def _body(request: Request) -> bytes | None:
    """The raw body, None where it is larger than allowed."""
    with contextlib.suppress(ValueError):
        if int(request.headers.get("content-length", "0")) > MAX_BODY:
            return None
    body = bytearray()
    chunks: AsyncIterator[bytes] = request.stream()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def load_webhook(name: str, settings: Settings) -> tuple[SourceConfig, ShopifyOptions]:
    """The configuration of a source that has webhooks.

    Raises:
        UsageError, ConfigError: there is no such source, it has none, or it is configured wrong.
    """
    config = load_source(name, settings)
    if not issubclass(config.source_class(), Shopify):
        raise UsageError(f"webhook {name}", "this source has no webhooks", "name a Shopify source")
    options = config.parsed_options()
    assert isinstance(options, ShopifyOptions)  # noqa: S101 - follows from its class
    return config, options
