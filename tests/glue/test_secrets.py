"""What is masked, and what is not."""

from __future__ import annotations

import pytest

from glue.secrets import has_reference, is_masked, is_secret_key, mask_text, shown, url_without_credentials


@pytest.mark.parametrize(
    "key",
    [
        "db.password",
        "snowflake.private.key",
        "snowflake.private.key.passphrase",
        "weaviate.api.key",
        "consumer.override.sasl.jaas.config",
        "value.converter.basic.auth.user.info",
        "oauth.client.secret",
        "access_token",
        "aws.secret.access.key",
        "ssl.keystore.password",
    ],
)
def test_keys_that_hold_secrets(key: str) -> None:
    assert is_secret_key(key)
    assert shown(key, "hunter2") == "******"
    assert shown(key, "${env:X}") == "${env:X}"
    assert shown(key, "${env:X}hunter2") == "******"


@pytest.mark.parametrize(
    "key",
    ["topics", "tokenizer.path", "oauth.token.endpoint.url", "ssl.keystore.type", "password.encoder.class", "tasks.max",
     "vector.field.name", "basic.auth.credentials.source"],
)  # fmt: skip
def test_keys_that_do_not(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login failed: password=hunter2, user=x", "hunter2"),
        ("sasl.jaas.config password: hunter2;", "hunter2"),
        ("jdbc:snowflake://user:hunter2@host/db", "hunter2"),
        ("key -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- end", "hunter2"),
        ("bearer eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "eyJzdWIiOiIx"),
        ("api.key = hunter2", "hunter2"),
    ],
)
def test_text_is_masked(text: str, secret: str) -> None:
    assert secret not in mask_text(text) and "******" in mask_text(text)


def test_plain_text_stays() -> None:
    text = "Connection refused: 127.0.0.1:8085 (attempt 3 of 4)"
    assert mask_text(text) == text


def test_references_and_masks() -> None:
    assert has_reference("a ${env:B} c") and not has_reference("$env:B") and not has_reference("${}")
    assert is_masked("****************") and is_masked("[hidden]") and not is_masked("*")
    assert url_without_credentials("http://u:p@h:1/x?y=1") == "http://h:1/x?y=1"
