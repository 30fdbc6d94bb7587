"""The options of the Weaviate sink: names and defaults of Weaviate's own connector, so that one replaces the other."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from glue.transforms.contract import TransformConfig


def _short(value: object) -> object:
    """``io.weaviate.connector.idstrategy.KafkaIdStrategy`` is ``kafka``: the official classes by their purpose."""
    if not isinstance(value, str):
        return value
    name = value.rsplit(".", 1)[-1].removesuffix("Strategy").removesuffix("Id").removesuffix("Vector").lower()
    return "no" if name == "none" else name


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class WeaviateSinkConfig(TransformConfig):
    """Where Weaviate is, which collection takes which topic, and how records become objects."""

    weaviate_connection_url: str = Field("http://localhost:8080", description="Weaviate, as scheme://host:port.")
    weaviate_grpc_url: str = Field("localhost:50051", description="Weaviate's gRPC, as host:port.")
    weaviate_grpc_secured: bool = Field(False, description="Whether gRPC is encrypted (TLS).")
    weaviate_auth_scheme: Annotated[Literal["NONE", "API_KEY", "OIDC_CLIENT_CREDENTIALS"], BeforeValidator(_upper)] = (
        Field("NONE", description="How to authenticate.")
    )
    weaviate_api_key: SecretStr | None = Field(None, description="The key of API_KEY; giving one selects that scheme.")
    weaviate_oidc_client_secret: SecretStr | None = Field(None, description="The secret of OIDC_CLIENT_CREDENTIALS.")
    weaviate_oidc_scopes: list[str] = Field(["openid"], description="The scopes of OIDC_CLIENT_CREDENTIALS.")
    weaviate_headers: list[str] = Field([], description="Headers of each request, as name=value.")

    collection_mapping: str = Field("${topic}", min_length=1, description="The collection; ${topic} is the topic.")
    document_id_strategy: Annotated[Literal["no", "kafka", "field"], BeforeValidator(_short)] = Field(
        "no",
        description="What the id of an object is made of: nothing but topic, partition and offset (no), the record key "
        "(kafka) or a field. The official class names are understood too. Ids are MD5 UUIDs (version 3) without a "
        "namespace, as the official connector makes them.",
    )
    document_id_field_name: str = Field("id", description="The field of the strategy `field`.")
    vector_strategy: Annotated[Literal["no", "field"], BeforeValidator(_short)] = Field(
        "no",
        description="Where the vector comes from: Weaviate's own vectorizer (no), or a field of the value (field).",
    )
    vector_field_name: str = Field(
        "vector",
        description="The field with the vector, or with a map of named vectors; it is not stored as a property.",
    )
    vector_dimensions: list[Annotated[str, Field(pattern=r"^([A-Za-z_]\w*:\d+\??|\d+)$")]] = Field(
        ["0"],
        min_length=1,
        description="Length that the vector must have, 0 for any; of named vectors each as name:length, and then a "
        "record must have these, except those with a ? behind, and others of it are left out. Weaviate requires the "
        "length of its first vector.",
    )
    delete_enabled: bool = Field(
        False, description="Whether a tombstone deletes the object; needs the strategy `kafka`. Else it is skipped."
    )

    consistency_level: Annotated[Literal["ONE", "QUORUM", "ALL"], BeforeValidator(_upper)] = Field(
        "QUORUM", description="Replicas that must acknowledge a write."
    )
    batch_size: int = Field(100, ge=1, le=10_000, description="Objects in one request.")
    pool_size: int = Field(1, ge=1, le=64, description="Requests under way at the same time.")
    await_termination_ms: int = Field(10_000, ge=1, description="How long one request may take.")
    retry_interval: int = Field(2000, ge=0, description="Milliseconds between two attempts.")
    max_connection_retries: int = Field(
        3, ge=0, description="Attempts after a failed connection, before Connect is asked to deliver the batch again."
    )
    max_timeout_retries: int = Field(
        3, ge=0, description="Attempts after a timeout, before Connect is asked to deliver the batch again."
    )

    @field_validator("weaviate_connection_url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as http://host:port or https://host:port")
        return url

    @field_validator("weaviate_grpc_url")
    @classmethod
    def _host_port(cls, url: str) -> str:
        host, colon, port = url.rpartition(":")
        if not (host and colon and port.isdigit()):
            raise ValueError("write it as host:port; this sink writes over gRPC, so it cannot be empty")
        return url

    @field_validator("weaviate_headers")
    @classmethod
    def _pairs(cls, headers: list[str]) -> list[str]:
        if any("=" not in header for header in headers):
            raise ValueError("write each as name=value")
        return headers

    @property
    def dimensions(self) -> dict[str, int]:
        """The length of each named vector; the one without a name is called ``""``."""
        pairs = (one.rpartition(":") for one in self.vector_dimensions)
        return {name: int(length.removesuffix("?")) for name, _, length in pairs}

    @property
    def required(self) -> frozenset[str]:
        """The names of those that no record may lack."""
        return frozenset(one.partition(":")[0] for one in self.vector_dimensions if not one.endswith("?"))

    @model_validator(mode="after")
    def _fits(self) -> WeaviateSinkConfig:
        if "" in self.dimensions and len(self.vector_dimensions) > 1:
            raise ValueError("vector.dimensions takes one length, or name:length for each named vector")
        if self.delete_enabled and self.document_id_strategy != "kafka":
            raise ValueError("delete.enabled needs document.id.strategy kafka: a tombstone has no field, only its key")
        if self.weaviate_auth_scheme == "API_KEY" and self.weaviate_api_key is None:
            raise ValueError("weaviate.auth.scheme API_KEY needs weaviate.api.key")
        if self.weaviate_auth_scheme == "OIDC_CLIENT_CREDENTIALS" and self.weaviate_oidc_client_secret is None:
            raise ValueError("weaviate.auth.scheme OIDC_CLIENT_CREDENTIALS needs weaviate.oidc.client.secret")
        return self
