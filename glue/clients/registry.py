"""The Schema Registry client: Confluent's, with this project's errors."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from glue.clients.secrets import url_without_credentials
from glue.errors import ConfigError, ServiceError, ServiceUnavailableError

__all__ = ["Schema", "SchemaRegistryClient", "registry_client", "registry_errors"]


# The client's own HTTP library: httpx or httpx2, by the version of confluent-kafka.
_AWAY: tuple[type[Exception], ...] = (
    OSError,
    *(importlib.import_module(name).HTTPError for name in ("httpx", "httpx2") if importlib.util.find_spec(name)),
)


def registry_client(url: str, timeout: float = 10.0, retries: int = 3) -> SchemaRegistryClient:
    """A client of the registry at ``url`` (Confluent API); ``timeout`` in seconds. Transient failures are retried.

    Raises:
        ConfigError: that is no address.
    """
    if not url.startswith(("http://", "https://")):
        shown = url_without_credentials(url)
        raise ConfigError(
            f"Schema Registry at {shown}", "that is no http:// or https:// address", "correct MXCTL_REGISTRY"
        )
    return SchemaRegistryClient({"url": url, "timeout": timeout, "max.retries": retries})


@contextmanager
def registry_errors(what: str) -> Iterator[None]:
    """Turn the registry's exceptions into this project's; ``what`` names the subject or schema in question.

    Raises:
        ServiceUnavailableError: no answer, or a 5xx or 429 answer.
        ServiceError: the registry refused.
    """
    try:
        yield
    except SchemaRegistryError as error:
        status = error.http_status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ServiceUnavailableError(what, f"the registry answered {status}", "try again") from error
        fix = "mxctl schemas get lists subjects" if status == HTTPStatus.NOT_FOUND else ""
        raise ServiceError(what, f"the registry answered {status}: {error.error_message}", fix) from error
    except _AWAY as error:
        raise ServiceUnavailableError(
            what, f"the Schema Registry does not answer ({type(error).__name__})", "is it running? mxctl local status"
        ) from error
