"""Shopify's compliance webhooks: what a customer or a shop asks for is kept until ``mxctl person work`` has done it.

Every app must take them, whatever else it subscribes to. Shopify gives thirty days from the answer 200, so that answer
means that the request is in Kafka, sealed. Source: Shopify, "Privacy law compliance".
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from datetime import datetime
from urllib.parse import urlsplit

from prometheus_client import Counter

from connectors.shopify import ShopifyOptions
from glue.errors import ConfigError, MillionXError, UsageError
from glue.kafka.config import KafkaConfig
from glue.privacy.keyring import load_keyring
from glue.rights.person import from_payload
from glue.rights.requests import Kind, Requests
from glue.settings import Settings

log = logging.getLogger(__name__)
_KEPT = Counter("millionx_webhook_requests_total", "Requests of persons and shops that were kept.", ["topic"])
COMPLIANCE: dict[str, Kind] = {
    "customers/data_request": "disclose",
    "customers/redact": "forget",
    "shop/redact": "forget",
}
for _topic in COMPLIANCE:
    _KEPT.labels(_topic)  # start at 0, so that increase() sees the first


class Desk:
    """Keeps requests about one shop, which records name ``merchant``."""

    def __init__(self, settings: Settings, options: ShopifyOptions, merchant: str) -> None:
        self._settings, self._merchant = settings, merchant
        known = (options.shop_domain, options.merchant_id, urlsplit(options.base_url).hostname)
        self._names = {name for name in known if name}

    def put(self, topic: str, body: bytes, triggered: str) -> None:
        """Keep a request; it is durable when this returns. The same body is the same request.

        A request of another shop that shares the app's secret is about that shop's records, never about this one's.

        Raises:
            UsageError: the body names no shop, or is no JSON.
            ConfigError: there is no key file to seal it with.
            ServiceUnavailableError: Kafka did not take it.
        """
        ring = load_keyring(self._settings.hash_keys_file)
        try:
            payload = json.loads(body)
            at = int(datetime.fromisoformat(triggered).timestamp() * 1000) if triggered else 0
        except (ValueError, RecursionError):
            raise UsageError(topic, "it is not JSON, or has no time", "look at the app's page at Shopify") from None
        domain = payload.get("shop_domain") if isinstance(payload, dict) else None
        who = from_payload(payload, self._merchant if domain in self._names else "")
        name = hashlib.sha256(ring.sign(topic.encode() + body).encode()).hexdigest()[:16]
        requests = Requests(KafkaConfig.of(self._settings), ring)
        known = requests.all().get(name)
        if known is not None and known.done:
            return  # its answer was lost; whom it was about is no longer kept
        requests.put(name, COMPLIANCE[topic], topic, who, min(at, int(time.time() * 1000)))


async def comply(desk: Desk | None, topic: str, body: bytes, triggered: str, seconds: float) -> tuple[int, str]:
    """The answer to a signed compliance webhook: 200 once it is kept; else Shopify sends it again."""
    try:
        if desk is None:
            raise ConfigError(topic, "nothing here keeps requests")
        await asyncio.wait_for(asyncio.to_thread(desk.put, topic, body, triggered), seconds)
    except UsageError as error:
        log.error("webhook %s: %s", topic, error.why)
        return 422, "it cannot be read"
    except (MillionXError, TimeoutError) as error:
        log.error("webhook %s: not kept (%s)", topic, error if isinstance(error, MillionXError) else "no answer")
        return 503, "not stored, send it again"
    _KEPT.labels(topic).inc()
    return 200, "stored"
