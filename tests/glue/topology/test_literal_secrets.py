"""A secret in a declared file is a reference, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from .project import Project
from .test_rules import GATE, found, messages

SECRET = "hunter2made"
OF_SOURCES: dict[str, dict[str, Any]] = {
    "token": {"token": f"shpat_{SECRET}0123456789"},
    "list": {"webhook_secrets": ["${env:NEW}", SECRET]},
    "list without a literal": {"webhook_secrets": ["${env:NEW}", "${env:OLD:-}"]},
    "nested": {"sellers": [{"app_secret": SECRET}]},
    "proxy": {"browser": {"proxies": [f"http://made:{SECRET}@proxy.invalid:3128"]}},
    "proxy without": {"browser": {"proxies": ["http://made:${env:PROXY}@proxy.invalid:3128"]}},
    "default of a reference": {"token": f"${{env:TOKEN:-{SECRET}}}"},
    "beside a reference": {"token": f"${{env:HALF}}{SECRET}"},
    "by its form alone": {"base_url": f"https://api.invalid/?appid={SECRET}"},
    "made up, but not for the sandbox": {"token": "sandbox-" + SECRET, "base_url": "https://shop.invalid"},
    "made up without": {"token": "sandbox-token", "base_url": "${setting:sandbox}/shopify"},
}


@pytest.mark.parametrize("name", OF_SOURCES)
def test_a_secret_of_a_source_is_a_reference(project: Project, name: str) -> None:
    project.things()
    project.connector("sink", **GATE)
    (project.config / "sources").mkdir(exist_ok=True)
    project.write("connect-config/sources/shop.json", {"topic": "p.things", "options": OF_SOURCES[name]})
    told = [one for one in found(project) if "secret" in one.message]
    assert [one.file.name for one in told if one.file] == ([] if "without" in name else ["shop.json"])
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sasl_jaas_config", f'x.PlainLoginModule required username="${{env:U}}" password="{SECRET}";'),
        ("db_passwd", SECRET),
        ("http_headers_authorization", f"Bearer {SECRET}"),
        ("value_converter_schema_registry_url", f"http://admin:{SECRET}@registry:8081"),
        ("value_converter_basic_auth_user_info", f"${{env:USER}}:{SECRET}"),
        ("weaviate_api_key", f"{SECRET}${{env:REST}}"),
        ("store_token", f"${{env:TOKEN:-{SECRET}}}"),
    ],
)
def test_a_literal_beside_a_reference_is_a_literal(project: Project, key: str, value: str) -> None:
    project.things()
    project.connector("sink", **GATE, **{key: value})
    told = [one for one in found(project) if "in plain text" in one.message]
    assert [one.where for one in told] == [f"config.{key.replace('_', '.')}"]
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sasl_jaas_config", 'x.PlainLoginModule required username="me" password="${env:PW}";'),
        ("value_converter_basic_auth_user_info", "me:${env:PW}"),
        ("value_converter_basic_auth_user_info", "${env:USER}:${env:PW}"),
        ("http_headers_authorization", "Bearer ${env:TOKEN}"),
        ("store_token", "${file:secrets/a.properties:token}"),
    ],
)
def test_what_only_leads_to_a_reference_passes(project: Project, key: str, value: str) -> None:
    project.things()
    project.connector("sink", **GATE, **{key: value})
    assert [one for one in messages(project) if "in plain text" in one] == []
