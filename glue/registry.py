"""The Schema Registry: Confluent's client with this project's errors, and the verdict on a schema with its reasons.

The client is imported when it is first used: it takes most of a second, and many commands need no registry.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from glue.errors import ConfigError, ServiceError, ServiceUnavailableError
from glue.http_access import HttpAccess, why
from glue.secrets import url_without_credentials
from glue.settings import Settings

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

__all__ = ["Schema", "SchemaRegistryClient", "incompatibilities", "registry_client", "registry_errors"]
_TIMEOUT = 20
_FIXES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "mxctl schemas get lists subjects",
    HTTPStatus.UNAUTHORIZED: "log in with MXCTL_REGISTRY_USER and MXCTL_REGISTRY_PASSWORD_FILE, or a token",
    HTTPStatus.FORBIDDEN: "give this user the right, or log in as another one: MXCTL_REGISTRY_USER",
}


def __getattr__(name: str) -> Any:
    if name in ("Schema", "SchemaRegistryClient"):
        return getattr(importlib.import_module("confluent_kafka.schema_registry"), name)
    raise AttributeError(name)


@cache
def _away() -> tuple[type[Exception], ...]:
    """What the client's own HTTP library raises: httpx or httpx2, by the version of confluent-kafka."""
    known = (name for name in ("httpx", "httpx2") if importlib.util.find_spec(name))
    return OSError, *(importlib.import_module(name).HTTPError for name in known)


def registry_client(settings: Settings, timeout: float = 10.0, retries: int = 3) -> SchemaRegistryClient:
    """A client of the registry (Confluent API); ``timeout`` in seconds. Transient failures are retried.

    Raises:
        ConfigError: its address is none, or see :meth:`glue.http_access.HttpAccess.of`.
    """
    url = settings.registry
    if not url.startswith(("http://", "https://")):
        shown = url_without_credentials(url)
        fix = "correct MXCTL_REGISTRY"
        raise ConfigError(f"Schema Registry at {shown}", "it is not an http:// or https:// address", fix)
    from confluent_kafka.schema_registry import SchemaRegistryClient

    access = HttpAccess.of(settings, "registry").registry_config()
    return SchemaRegistryClient({"url": url, "timeout": timeout, "max.retries": retries, **access})


@contextmanager
def registry_errors(what: str) -> Iterator[None]:
    """Turn the registry's exceptions into this project's; ``what`` names the subject or schema in question.

    Raises:
        ServiceUnavailableError: no answer, or a 5xx or 429 answer.
        ServiceError: the registry refused.
    """
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        yield
    except SchemaRegistryError as error:
        status = error.http_status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ServiceUnavailableError(what, f"the registry answered {status}", "try again") from error
        fix = _FIXES.get(status, "")
        raise ServiceError(what, f"the registry answered {status}: {error.error_message}", fix) from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise _unexpected(what) from error
    except _away() as error:
        raise ServiceUnavailableError(
            what, f"the Schema Registry does not answer ({why(error)})", "is it running? mxctl local status"
        ) from error


def subject_names(registry: SchemaRegistryClient) -> set[str]:
    """The name of every subject.

    Raises:
        ServiceUnavailableError: no answer.
        ServiceError: what answers is not a registry; read as "there are none", a plan would register all again.
    """
    with registry_errors("subjects"):
        names = registry.get_subjects()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _unexpected("subjects")
    return set(names)


def _unexpected(what: str) -> ServiceError:
    said = "what answers does not answer as a Schema Registry does"
    return ServiceError(what, said, "does a proxy or a login page stand before it? correct MXCTL_REGISTRY")


def incompatibilities(
    settings: Settings, subject: str, schema: dict[str, Any], *, every_version: bool = False
) -> list[str] | None:
    """Why ``schema`` may not become the next version of ``subject``; None where it may.

    The reasons, which Confluent's client drops, are the server's texts; there may be none.
    Source: Confluent Schema Registry API, ``POST /compatibility/subjects/{s}/versions[/latest]?verbose=true``.

    Raises:
        ServiceUnavailableError: no answer.
        ServiceError: the registry refused the question.
    """
    import requests

    path = f"/compatibility/subjects/{quote(subject, safe='')}/versions{'' if every_version else '/latest'}"
    body = {"schema": json.dumps(schema, ensure_ascii=False), "schemaType": "AVRO"}
    try:
        with HttpAccess.of(settings, "registry").session() as session:
            url = settings.registry.rstrip("/") + path
            answer = session.post(url, params={"verbose": "true"}, json=body, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise ServiceUnavailableError(
            f"subject {subject}", f"the Schema Registry does not answer ({why(error)})", "mxctl local status"
        ) from None
    try:
        found = answer.json()
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    if not answer.ok:
        said = f"the registry answered {answer.status_code}: {found.get('message', '')}"
        if answer.status_code >= 500:
            raise ServiceUnavailableError(f"subject {subject}", said, "try again")
        raise ServiceError(f"subject {subject}", said, _FIXES.get(answer.status_code, ""))
    if not isinstance(found.get("is_compatible"), bool):
        raise _unexpected(f"subject {subject}")
    if found["is_compatible"]:
        return None
    return [str(message) for message in found.get("messages") or []]
