"""What shops and market places show of their products, whosesoever they are: prices of others beside one's own."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from connectors.models import INT64_MAX, Money, SourceRecord, Text, Timestamp, millis
from connectors.reading import money, western_digits, whole
from connectors.text import parse_count
from glue.identity import record_key
from glue.privacy.fingerprint import for_key

_RATING = re.compile(r"(\d(?:\.\d+)?)(?:\s*/\s*5)?")


def _shown_count(value: Any) -> Any:
    """A count as a page shows it, also in brackets: ``(১২৩)``, ``1.2k sold``."""
    if not isinstance(value, str):
        return value
    text = value.strip().removeprefix("(").removesuffix(")")
    return parse_count(text) if text.strip() else None


def _shown_rating(value: Any) -> Any:
    """A mean of stars, ``4.7``, ``৪.৭/5``; the platforms write 0 where nobody has rated."""
    if isinstance(value, str):
        found = _RATING.fullmatch(western_digits(value).strip())
        if value.strip() and not found:
            raise ValueError("is not a rating")
        value = float(found.group(1)) if found else None
    return value or None


MaybeCount = Annotated[int | None, BeforeValidator(_shown_count)]


class MarketListing(SourceRecord):
    """One variant of a product as shown at one time. ``schemas/market_listing.avsc``.

    Every reading is an observation of its own: a price that goes up and comes back is three, not two.
    """

    when_read = SourceRecord.when_read | {"observed_at", "position"}

    platform: Literal["shopify", "daraz"]
    seller_id: Text
    seller_name: str | None = None
    product_id: Text
    variant_id: str | None = None
    sku: str | None = None
    product_name: Text
    brand: str | None = None
    category: str | None = None
    url: str | None = None
    sale_price: Money = Field(gt=0)
    list_price: Money | None = Field(None, gt=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    in_stock: bool | None = None
    stock: MaybeCount = Field(None, ge=0, le=INT64_MAX)
    rating: Annotated[float | None, BeforeValidator(_shown_rating)] = Field(None, ge=0, le=5)
    review_count: MaybeCount = Field(None, ge=0, le=INT64_MAX)
    sold_count: MaybeCount = Field(None, ge=0, le=INT64_MAX)
    found_by: Literal["shop", "search", "watched"]
    keyword: str | None = None
    position: Annotated[int | None, BeforeValidator(whole)] = Field(None, ge=1, le=INT64_MAX)
    observed_at: Timestamp

    @field_validator("list_price", mode="before")
    @classmethod
    def _reduced(cls, value: Any, info: ValidationInfo) -> Any:
        """A price before that is not above the price now is no reduction: shops leave such values behind."""
        if value is None or value == "":
            return None
        asked = info.data.get("sale_price")
        before = money(value)
        return None if asked is not None and before <= asked else before

    @property
    def subject(self) -> str:
        """The variant, and the way that led to it: a product may be found by two searches, at a place in each."""
        named = (self.seller_id, self.product_id, self.variant_id or "", self.found_by, self.keyword or "")
        return record_key("listing", self.platform, *map(for_key, named))

    @property
    def key(self) -> str:
        return record_key(self.subject, millis(self.observed_at))

    @property
    def time(self) -> datetime:
        return self.observed_at


class MarketProduct(SourceRecord):
    """A product of a merchant of ours, as it is now. ``schemas/market_product.avsc``."""

    platform: Literal["shopify", "daraz"]
    merchant_id: Text
    product_id: Text
    product_name: Text
    brand: str | None = None
    category: str | None = None
    skus: list[str] = Field([])

    @property
    def key(self) -> str:
        return record_key("product", self.platform, self.merchant_id, for_key(self.product_id))

    @property
    def time(self) -> datetime:
        return self.collected_at

    @property
    def fingerprint(self) -> str:
        """Key and all that is said of it."""
        said = [self.product_name, self.brand, self.category, *self.skus]
        return f"{self.key}:{hashlib.sha256(json.dumps(said).encode()).hexdigest()}"
