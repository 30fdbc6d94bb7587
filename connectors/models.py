"""What a producer may send: the Pydantic twins of ``schemas/*.avsc``, checked at the edge.

Field names, types, defaults and constraints equal the schemas' (a test holds it). Texts hold personal data until the
glue service removes it, so a record is never logged.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from connectors.reading import currency, moment, money, whole
from connectors.text import has_no_text
from glue.identity import record_key
from glue.privacy.fingerprint import for_key

INT64_MAX = 2**63 - 1


_AHEAD = timedelta(days=1)  # of a clock that is set wrong; more is another unit, or no time of the past


def _to_utc_millis(value: datetime, info: ValidationInfo) -> datetime:
    """UTC, cut to the milliseconds that Avro's timestamp-millis keeps; nothing happens after it was collected."""
    value = value.astimezone(UTC)
    if value > info.data.get("collected_at", value) + _AHEAD:
        raise ValueError("lies more than a day in the future (another unit, or a wrong clock?)")
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


Timestamp = Annotated[AwareDatetime, BeforeValidator(moment), AfterValidator(_to_utc_millis)]
Count = Annotated[int, BeforeValidator(whole), Field(ge=0, le=INT64_MAX)]
Money = Annotated[Decimal, BeforeValidator(money), Field(max_digits=18, decimal_places=4)]
Currency = Annotated[str, BeforeValidator(currency)]
Text = Annotated[str, Field(min_length=1)]
_STATUS = r"^(?:[a-z_, -]|3pl)+$"  # words of a platform: what a person types has no place in them
# Goes into headers and names of keys, so neither a mail nor a phone of Bangladesh.
_MERCHANT = r"^(?!\+?(?:88)?[ -]?0[ -]?1[ -]?[3-9](?:[ -]?\d){8}$)[^@\s](?: ?[^@\s]){0,127}$"
_PLACE = r"^BD-[0-9A-H]+$"


def millis(value: datetime) -> int:
    """Milliseconds since the epoch, exactly."""
    delta = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


class SourceRecord(BaseModel):
    """A record of a source: it knows its key, its time and what makes it new."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    when_read: ClassVar[frozenset[str]] = frozenset({"collected_at"})  # these fields alone make no record a new one

    collected_at: Timestamp

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_nul(cls, value: Any) -> Any:
        """NUL is in no text for people, and stores refuse it together with its whole batch."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds NUL characters")
        return value

    @property
    @abstractmethod
    def key(self) -> str:
        """The record key (text of a UUID5)."""

    @property
    @abstractmethod
    def time(self) -> datetime:
        """When the thing happened or last changed; cursors and freshness count with it."""

    @property
    def merchant(self) -> str:
        """Whose it is; empty for a record that is nobody's."""
        return ""

    @property
    def subject(self) -> str:
        """What the record is a state of: two records of one subject are two states of the same thing."""
        return self.key

    @property
    def fingerprint(self) -> str:
        """Two records with the same fingerprint say the same; the second is not sent again."""
        return self.key


class SocialPost(SourceRecord):
    """A public post. ``schemas/social_post.avsc``."""

    post_id: Text
    platform: Literal["tiktok", "facebook"]
    content: str = Field(min_length=5)
    author_username: str | None = None
    url: str | None = None
    hashtags: list[str] = []
    product_mentions: list[str] = []
    product_ids: list[str] = []
    likes: Count = 0
    comments: Count = 0
    shares: Count = 0
    engagement_count: Count = 0
    posted_at: Timestamp

    @field_validator("content")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if has_no_text(value):
            raise ValueError("holds nothing but blanks and invisible characters")
        return value

    @property
    def key(self) -> str:
        return record_key(self.platform, for_key(self.post_id))

    @property
    def time(self) -> datetime:
        return self.posted_at

    @property
    def fingerprint(self) -> str:
        """Key, text and counts: a post is sent again when people react to it, and stored under the same key."""
        text = hashlib.sha256(self.content.encode()).hexdigest()
        return f"{self.key}:{text}:{self.likes}:{self.comments}:{self.shares}"


class MarketOrder(SourceRecord):
    """One state of one line item of an order. ``schemas/market_order.avsc``.

    A price of 0 is taken: free lines are demand. PRICE_HISTORY takes none, there a price is above 0.
    """

    model_config = ConfigDict(regex_engine="python-re")  # the other one knows no (?!…)

    platform: Literal["shopify", "daraz"]
    merchant_id: str = Field("unknown", pattern=_MERCHANT)
    order_id: Text
    line_id: Text
    product_id: Text
    sku: str | None = None
    product_name: Text
    category: str | None = None
    line_kind: Literal["product", "gift_card", "tip"] = "product"
    is_test: bool = False
    quantity: Annotated[int, BeforeValidator(whole)] = Field(gt=0, le=INT64_MAX)
    quantity_cancelled: Count = 0
    quantity_returned: Count = 0
    quantity_unclear: Count = 0
    quantity_net: Annotated[int | None, BeforeValidator(whole)] = Field(None, ge=0, le=INT64_MAX)
    price: Money = Field(ge=0)
    price_discounted: Money | None = Field(None, ge=0)
    net_sales: Money | None = Field(None, ge=0)
    currency: Currency = Field("BDT", min_length=3, max_length=3)
    customer_currency: Currency | None = Field(None, min_length=3, max_length=3)
    tax: Money | None = None
    shipping: Money | None = None
    order_status: str = Field("unknown", pattern=_STATUS)
    financial_status: str | None = Field(None, pattern=_STATUS)
    fulfillment_status: str | None = Field(None, pattern=_STATUS)
    cancelled_at: Timestamp | None = None
    cancel_reason: str | None = Field(None, pattern=_STATUS)
    shipping_city: str | None = None
    place_code: str | None = Field(None, pattern=_PLACE)
    customer_name: str | None = None
    customer_phone: str | None = None
    customer_email: str | None = None
    note: str | None = None
    ordered_at: Timestamp
    updated_at: Timestamp

    @property
    def key(self) -> str:
        """Line, time of update and state: the platforms' times are whole seconds, and much happens within one."""
        return record_key(*self._line, millis(self.updated_at), self._state)

    @property
    def merchant(self) -> str:
        return self.merchant_id

    @property
    def subject(self) -> str:
        return record_key(*self._line)

    @property
    def _line(self) -> tuple[str, str, str, str]:
        return self.platform, self.merchant_id, for_key(self.order_id), for_key(self.line_id)

    @property
    def _state(self) -> str:
        """What can change without the time of update; nothing personal, because a key is not secret."""
        parts = [for_key(str(getattr(self, name))) for name in _STATE]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def time(self) -> datetime:
        return self.updated_at


_STATE = (
    "product_id", "sku", "line_kind", "is_test", "quantity", "quantity_cancelled", "quantity_returned",
    "quantity_unclear", "quantity_net", "price", "price_discounted", "net_sales", "currency", "customer_currency",
    "tax", "shipping", "order_status", "financial_status", "fulfillment_status", "cancelled_at", "cancel_reason",
    "place_code",
)  # fmt: skip


class WeatherData(SourceRecord):
    """The weather of one city at one time. ``schemas/weather.avsc``.

    ``observed_at`` is the provider's time, ``collected_at`` ours. ``rain_1h`` None: it rains, and nobody says how much.
    """

    record_key: str = Field(min_length=36)
    version: Count
    city: Text
    place_code: str | None = Field(None, pattern=_PLACE)
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    temperature: float = Field(ge=-90, le=65)
    feels_like: float | None = Field(None, ge=-90, le=90)
    humidity: int = Field(ge=0, le=100)
    pressure: float | None = Field(None, ge=850, le=1100)
    wind_speed: float = Field(ge=0, le=120)
    rain_1h: float | None = Field(None, ge=0, le=500)
    condition: str = ""
    is_extreme_weather: bool
    provider: Literal["openweather", "open-meteo"] = "openweather"
    condition_code: int | None = None
    rain_class: str | None = Field(None, pattern=r"^(?:none|slight|moderate|heavy|violent|unmeasured)$")
    wind_force: int | None = Field(None, ge=0, le=12)
    heat_index: float | None = None
    severity: int | None = Field(None, ge=0, le=4)
    severity_cause: str | None = Field(None, pattern=r"^[a-z]+$")
    observed_at: Timestamp

    @property
    def key(self) -> str:
        return self.record_key

    @property
    def time(self) -> datetime:
        return self.observed_at


def weather_key(city: str, observed_at: datetime, provider: str = "openweather") -> str:
    """The identity of an observation: city and time in whole seconds, and who else than OpenWeather saw it."""
    others = () if provider == "openweather" else (provider,)
    return record_key("weather", city, millis(observed_at) // 1000, *others)
