"""EnrichProducts: a post learns the names of the catalogue's products it refers to."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import redis
from cachetools import TTLCache
from pydantic import Field

from glue.errors import ServiceUnavailableError
from glue.redis_client import open_redis
from glue.settings import get_settings
from glue.transforms.contract import Record, Transform, TransformConfig

log = logging.getLogger(__name__)
HEADER = "millionx.degraded"


class EnrichConfig(TransformConfig):
    redis_url: str = Field("", description="Redis with the catalogue; empty takes the setting MXCTL_REDIS.")
    key_prefix: str = Field("product:", description="A product's key in Redis is this and its id.")
    ids_field: str = Field("product_ids", description="Field with the list of product ids.")
    text_field: str = Field("content", description="Field that the names are appended to.")
    on_outage: Literal["degrade", "hold"] = Field(
        "degrade", description="Redis down: degrade passes the record with a header; hold waits (errors.retry.timeout)."
    )
    cache_size: int = Field(50_000, ge=0, description="Products kept in memory.")
    cache_seconds: float = Field(300.0, ge=0, description="How long a product, or its absence, is cached.")
    timeout_seconds: float = Field(0.5, gt=0, description="Longest wait for Redis.")
    retry_seconds: float = Field(2.0, ge=0, description="How long Redis is not asked after an outage.")


class EnrichProducts(Transform[EnrichConfig]):
    """Append `` [Products: A, B]`` to the text: names from Redis ``product:{id}``, a JSON text or a hash with ``name``.

    Unknown ids add nothing. When Redis is down, records pass without names and with the header ``millionx.degraded``,
    or are held until it is back, as ``on.outage`` says; none is lost.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        super().configure(props)
        wait = self.config.timeout_seconds
        self._redis = open_redis(get_settings(), wait, self.config.redis_url or "", decode_responses=True)
        size, seconds = self.config.cache_size, self.config.cache_seconds
        self._names: TTLCache[str, tuple[str | None]] | None = TTLCache(size, seconds) if size else None
        self._down_until = 0.0

    def apply(self, record: Record) -> Record:
        (result,) = self.apply_batch([record])
        if isinstance(result, Exception):
            raise result
        assert result is not None  # noqa: S101
        return result

    def apply_batch(self, records: Sequence[Record]) -> list[Record | Exception | None]:
        ids_field, text_field = self.config.ids_field, self.config.text_field
        wanted: set[str] = set()
        for record in records:
            if record.value is not None and (ids := record.value.get(ids_field)):
                wanted.update(ids)
        if not wanted:
            return list(records)
        try:
            names = self._look_up(wanted)
        except ServiceUnavailableError as outage:
            return [self._without(record, outage) for record in records]
        for record in records:
            if record.value is not None and (ids := record.value.get(ids_field)):
                found = list(dict.fromkeys(name for product in ids if (name := names[product])))
                if found:
                    record.value[text_field] = f"{record.value.get(text_field) or ''} [Products: {', '.join(found)}]"
        return list(records)

    def _without(self, record: Record, outage: ServiceUnavailableError) -> Record | Exception:
        if record.value is None or not record.value.get(self.config.ids_field):
            return record
        if self.config.on_outage == "hold":
            return outage
        record.headers.append((HEADER, b"EnrichProducts"))
        return record

    def _look_up(self, ids: Iterable[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        missing = []
        for product in ids:
            known = None if self._names is None else self._names.get(product)
            if known:
                found[product] = known[0]
            else:
                missing.append(product)
        if missing:
            fetched = self._fetch(missing, time.monotonic())
            found |= fetched
            if self._names is not None:
                self._names.update({product: (name,) for product, name in fetched.items()})
        return found

    def _fetch(self, ids: list[str], now: float) -> dict[str, str | None]:
        down = ServiceUnavailableError("EnrichProducts", "Redis does not answer", "start it, or set MXCTL_REDIS")
        if now < self._down_until:
            raise down
        keys = [self.config.key_prefix + product for product in ids]
        try:
            texts: list[Any] = self._redis.mget(keys)
            hashes = [key for key, text in zip(keys, texts, strict=True) if text is None]
            with self._redis.pipeline(transaction=False) as pipe:
                for key in hashes:
                    pipe.hget(key, "name")
                by_key = dict(zip(hashes, pipe.execute(raise_on_error=False), strict=True))
        except redis.RedisError as error:
            if now >= self._down_until:
                log.warning("Redis does not answer (%s): %s", type(error).__name__, self.config.on_outage)
            self._down_until = now + self.config.retry_seconds
            raise down from error
        return {
            product: _name_of(text) if text is not None else _clean(by_key[key])
            for product, key, text in zip(ids, keys, texts, strict=True)
        }

    def offline(self, fixtures: Mapping[str, Any]) -> None:
        """``{"products": {id: name}}`` is the catalogue; null stands for Redis being down."""
        products = fixtures.get("products", {})

        def look_up(ids: Iterable[str]) -> dict[str, str | None]:
            if products is None:
                raise ServiceUnavailableError("EnrichProducts", "Redis does not answer")
            return {product: _clean(products.get(product)) for product in ids}

        self._look_up = look_up  # type: ignore[method-assign]

    def close(self) -> None:
        if hasattr(self, "_redis"):
            self._redis.close()


def _name_of(text: str) -> str | None:
    try:
        product = json.loads(text)
    except ValueError:
        return None
    return _clean(product.get("name")) if isinstance(product, dict) else None


def _clean(name: Any) -> str | None:
    """A catalogue's name on one line without the brackets that delimit the list; None when there is none."""
    if not isinstance(name, str):
        return None
    return " ".join(name.replace("[", "(").replace("]", ")").split()) or None
