"""The registry's verdict on a schema, with its reasons (its Python client keeps the verdict and drops the reasons)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import requests

from glue.errors import ServiceError, ServiceUnavailableError

_TIMEOUT = 20


def incompatibilities(
    url: str, subject: str, schema: dict[str, Any], *, every_version: bool = False
) -> list[str] | None:
    """Why ``schema`` may not become the next version of ``subject``; None where it may.

    Source: Confluent Schema Registry API, ``POST /compatibility/subjects/{s}/versions[/latest]?verbose=true``. The
    reasons are the server's texts; there may be none.

    Raises:
        ServiceUnavailableError: no answer.
        ServiceError: the registry refused the question.
    """
    path = f"/compatibility/subjects/{quote(subject, safe='')}/versions{'' if every_version else '/latest'}"
    body = {"schema": json.dumps(schema, ensure_ascii=False), "schemaType": "AVRO"}
    try:
        answer = requests.post(url.rstrip("/") + path, params={"verbose": "true"}, json=body, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise ServiceUnavailableError(
            f"subject {subject}", f"the Schema Registry does not answer ({type(error).__name__})", "mxctl local status"
        ) from None
    try:
        found = answer.json()
    except ValueError:
        found = {}
    if not answer.ok:
        why = f"the registry answered {answer.status_code}: {found.get('message', '')}"
        if answer.status_code >= 500:
            raise ServiceUnavailableError(f"subject {subject}", why, "try again")
        raise ServiceError(f"subject {subject}", why)
    if found.get("is_compatible", False):
        return None
    return [str(message) for message in found.get("messages") or []]
