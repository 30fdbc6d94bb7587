"""Every setting of the programs in this project, in one place.

Precedence: command-line flag > environment (``MXCTL_*``) > ``.env`` > the local stack's state > default. Addresses of a
local stack come from its state file, because its ports are chosen at run time. Its logins and keys are for that stack
alone: none of them goes with an address that you set.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from glue.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = (_PACKAGE.parent / "connect-config").is_dir()


def shipped(name: str) -> Path:
    """A file or folder of the repository that comes with this program: in the checkout around it, else installed."""
    return (_PACKAGE.parent if _IN_CHECKOUT else _PACKAGE / "shipped") / name


def project_root() -> Path:
    """The nearest folder at or above the working directory that holds ``connect-config``; else the checkout around this
    program, and without one the working directory, where ``mxctl init`` would make a project."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "connect-config").is_dir():
            return folder
    return _PACKAGE.parent if _IN_CHECKOUT else here


def state_dir() -> Path:
    """Where the local stack keeps its state and logs (``MXCTL_STATE_DIR``, default ``.millionx`` in the project)."""
    return Path(os.environ.get("MXCTL_STATE_DIR") or project_root() / ".millionx").resolve()


def read_secret(file: Path) -> str:
    """What a secret's file holds now, without the end of its line.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"secret file {file}", reason, "correct the path or its rights") from None


def read_token(file: Path) -> str:
    """The bearer token of a file.

    Raises:
        ConfigError: it cannot be read, or is none: what is refused is not shown.
    """
    return as_token(read_secret(file), f"secret file {file}")


def as_token(text: str, what: str) -> str:
    """``text``, if a header can take it; else an error that names ``what`` held it. Raises :class:`ConfigError`."""
    if not text.isascii() or any(character.isspace() for character in text):
        reason = "a token is one word of ASCII characters, and this is not"
        raise ConfigError(what, reason, "let it hold the token and nothing else")
    return text


def _sandbox_address() -> str:
    """Where the sandbox listens, from the file it wrote when it started; empty when there is none."""
    try:
        return str(json.loads((state_dir() / "sandbox.json").read_text())["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def cache_dir() -> Path:
    """Where verified downloads are kept between checkouts (``MXCTL_CACHE_DIR``, default ``~/.cache/millionx``)."""
    configured = os.environ.get("MXCTL_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(configured).resolve() if configured else base / "millionx"


def local_stack() -> dict[str, Any]:
    """The settings that reach the local stack of :func:`state_dir`, as it wrote them when it started last."""
    try:
        found = json.loads((state_dir() / "state.json").read_text())["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


SERVICES = ("connect", "registry", "redis", "weaviate", "warehouse", "postgres")
# What else a service's login is sent to.
_ALSO = {"registry_token_url": "registry", "weaviate_grpc": "weaviate"}


def is_of_stack(name: str, given: Any, stack: dict[str, Any]) -> bool:
    """Whether every address in ``given`` is one that the local stack has for the setting ``name``."""
    texts = stack.get(name) or "", given
    ours, theirs = ({one.strip().rstrip("/") for one in str(text).split(",")} for text in texts)
    return theirs <= ours


class _LocalState(PydanticBaseSettingsSource):
    """The local stack's settings: none of them beside another Kafka than its own, and beside another address of a
    service none of that service, so that neither a cluster nor a login is made of two halves."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found, given = local_stack(), self.current_state
        addresses = {"kafka": "kafka", **{one: one for one in SERVICES}, **_ALSO}
        other = {addresses[name] for name in addresses.keys() & given if not is_of_stack(name, given[name], found)}
        if "kafka" in other:
            return {}
        return {key: value for key, value in found.items() if not any(key.startswith(f"{one}_") for one in other)}


_KAFKA = "mxctl_kafka_"


class _KafkaKeys(PydanticBaseSettingsSource):
    """Every ``MXCTL_KAFKA_<KEY>`` of the environment, else of ``.env``, as a key of librdkafka; empty is unset."""

    def __init__(self, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._sources = sources

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, str] = {}
        for source in reversed(self._sources):
            for name, value in getattr(source, "env_vars", {}).items():
                prefix, key = name[: len(_KAFKA)], name[len(_KAFKA) :]
                if prefix == _KAFKA and key not in ("properties_file", "properties") and value:
                    found[key if key == "log_level" else key.replace("_", ".")] = value
        return {"kafka_properties": found} if found else {}


class Settings(BaseSettings):
    """Addresses, keys and sizes. Each is set by ``MXCTL_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MXCTL_", env_file=".env", extra="ignore")

    profile: str = Field("local", description="Which overlay of connect-config/profiles applies.")
    owner: str = Field("millionx", description="Owner of this topology; unique among projects that share a cluster.")
    config_dir: Path = Field(default_factory=lambda: project_root() / "connect-config")
    schemas_dir: Path = Field(default_factory=lambda: project_root() / "schemas")

    kafka: str = Field("127.0.0.1:9092", description="Bootstrap servers.")
    kafka_properties_file: Path | None = Field(None, description="Kafka clients: key=value lines of librdkafka's keys.")
    kafka_properties: dict[str, SecretStr] = Field(
        {}, description="Kafka clients: each MXCTL_KAFKA_<KEY> of librdkafka, _ for each dot; overrides the file."
    )
    connect: str = Field(
        "http://127.0.0.1:8083", description="Kafka Connect REST of a worker, or of several, with commas."
    )
    connect_user: str = Field("", description="Kafka Connect REST: user, for Basic.")
    connect_password_file: Path | None = Field(None, description="File with that user's password.")
    connect_token_file: Path | None = Field(None, description="File with a bearer token, in place of a user.")
    connect_ca_file: Path | None = Field(None, description="PEM of the authorities to trust; unset: the public ones.")
    connect_certificate_file: Path | None = Field(
        None, description="PEM of our certificate (mutual TLS), with its key."
    )
    connect_key_file: Path | None = Field(None, description="PEM of that key, where it is a file of its own.")
    checkpoints_topic: str = Field(
        "connectors.checkpoints",
        description="Topic of the sources' checkpoints; declared in topics.json.",
    )
    forgotten_topic: str = Field(
        "millionx.forgotten", description="Topic that lists whose data were erased; declared in topics.json."
    )
    requests_topic: str = Field(
        "millionx.requests", description="Topic of the requests of persons and shops; declared in topics.json."
    )
    request_days: int = Field(30, ge=1, description="Days within which a request of a person or a shop must be done.")
    registry: str = Field("http://127.0.0.1:8081", description="Schema Registry, Confluent API.")
    registry_user: str = Field("", description="Registry: user or API key, for Basic; client, with a token URL.")
    registry_password_file: Path | None = Field(None, description="File with that user's password or client's secret.")
    registry_token_file: Path | None = Field(None, description="File with a bearer token, in place of a user.")
    registry_token_url: str = Field("", description="Registry: OpenID token endpoint, for bearer tokens of the client.")
    registry_scope: str = Field("", description="Scope to ask for there.")
    registry_ca_file: Path | None = Field(None, description="PEM of the authorities to trust; unset: the public ones.")
    registry_certificate_file: Path | None = Field(
        None, description="PEM of our certificate (mutual TLS), with its key."
    )
    registry_key_file: Path | None = Field(None, description="PEM of that key, where it is a file of its own.")
    redis: str = Field("redis://127.0.0.1:6379/0", description="Redis with the product catalogue.")
    redis_user: str = Field("", description="Redis: ACL user, with a password file; unset: the default one.")
    redis_password_file: Path | None = Field(None, description="File with that user's password.")
    weaviate: str = Field("http://127.0.0.1:8080", description="Weaviate REST.")
    weaviate_ca_file: Path | None = Field(None, description="PEM of the authorities to trust; unset: the public ones.")
    weaviate_api_key_file: Path | None = Field(None, description="File with the API key, in place of the key itself.")
    weaviate_grpc: str = Field("127.0.0.1:50051", description="Weaviate gRPC host:port.")
    warehouse: str = Field("http://127.0.0.1:8085", description="Snowflake account URL, or the local endpoint.")
    warehouse_user: str = "MILLIONX_CONNECT"
    warehouse_role: str = "MILLIONX_CONNECT_ROLE"
    warehouse_private_key_file: Path | None = Field(None, description="PKCS#8 PEM for key-pair authentication.")
    warehouse_private_key_password_file: Path | None = Field(None, description="Passphrase of an encrypted key.")
    warehouse_admin_user: str = Field("MILLIONX_ADMIN", description="User that runs the warehouse's SQL scripts.")
    warehouse_admin_private_key_file: Path | None = Field(
        None, description="Private key of that user; unset: the file above."
    )

    postgres: str = Field("", description="Profile postgres: JDBC URL, e.g. jdbc:postgresql://127.0.0.1:5432/millionx.")
    postgres_user: str = "millionx"
    postgres_password: SecretStr = Field(
        SecretStr(""), description="Password of that user; workers read it from a file."
    )
    postgres_password_file: Path | None = Field(None, description="File with that password, in place of it.")

    bind: str = Field("127.0.0.1", description="Address that our services listen on; 0.0.0.0 in a container.")
    sandbox: str = Field(default_factory=_sandbox_address, description="Address of the simulated vendors.")

    hash_keys_file: Path | None = Field(
        None, description='JSON {"active": id, "keys": {id: base64}} for pseudonyms of persons; required.'
    )
    at_rest: Literal["encrypt", "clear"] = Field(
        "encrypt",
        description="Personal texts in raw topics: encrypt (a producer without a key file does not start) or clear.",
    )
    weaviate_binary: Path | None = Field(None, description="Local stack: path of a Weaviate server to use.")
    weaviate_plugin: Path | None = Field(
        None, description="Local stack: unpacked folder of the official Weaviate connector; unset: ours is used."
    )
    prometheus: Path | None = Field(None, description="Local stack, monitoring: path of a Prometheus server to use.")
    traces: str = Field("", description="OTLP/HTTP address to send traces to, such as http://HOST:4318/v1/traces.")
    log_format: Literal["text", "json"] = Field("text", description="text or json.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    weaviate_api_key: SecretStr | None = None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        keys = _KafkaKeys(settings_cls, env_settings, dotenv_settings)
        return init_settings, env_settings, dotenv_settings, keys, _LocalState(settings_cls)


@cache
def get_settings(**given: str) -> Settings:
    """The settings of this process, read once.

    Args:
        given: what the command line sets, before all else. A login of the local stack does not go with it either.

    Raises:
        ConfigError: one has a value that it cannot have; the value is not shown.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        problems = "; ".join(f"MXCTL_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in wrong)
        raise ConfigError("settings", problems, "correct the environment or .env") from None
