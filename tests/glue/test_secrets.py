"""What is masked, and what is not."""

from __future__ import annotations

import pytest

from glue.secrets import (
    clean_message,
    has_reference,
    holds_secret,
    is_masked,
    is_secret_key,
    mask_text,
    shown,
    url_without_credentials,
)


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
     "vector.field.name", "basic.auth.credentials.source", "tokens.max", "max.tokens", "api.key.header",
     "secret.manager.region", "token.cache.size", "aws.access.key.id", "password.fields", "passwordless.login",
     "key.converter", "message.key.columns", "token.expiry.seconds", "secrets.manager"],
)  # fmt: skip
def test_keys_that_do_not(key: str) -> None:
    assert not is_secret_key(key)
    assert not holds_secret(key, "some value") and shown(key, "some value") == "some value"


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("mongodb+srv://made:hunter2made@db.invalid/x", "hunter2made"),
        ("redis://:hunter2@cache:6379", "hunter2"),
        ("https://made:p@ss/w0rd@h".replace("/w", "w"), "p@ssw0rd"),
        ("amqp://u:hunter2@one:1,u:other@two:2/v", "hunter2"),
        ("jdbc:mysql://db.invalid/x?user=made&password=hunter2", "hunter2"),
        ("jdbc:sqlserver://db:1433;databaseName=x;user=sa;Password=hunter2;encrypt=true", "hunter2"),
        ("jdbc:oracle:thin:scott/hunter2@//db:1521/x", "hunter2"),
        ("jdbc:snowflake://a/?private_key_pwd=hunter2", "hunter2"),
        ("DefaultEndpointsProtocol=https;AccountName=made;AccountKey=aHVudGVyMg==;EndpointSuffix=x", "aHVudGVyMg"),
        ("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=hunter2=", "hunter2"),
        ("https://blob.invalid/c?sv=2021&sig=hunter2%3D", "hunter2"),
        ("https://api.invalid/v1?api_key=hunter2", "hunter2"),
        ("Bearer hunter-two", "hunter-two"),
        ("Authorization: Bearer hunter2made", "hunter2made"),
        ("Content-Type:application/json|Authorization:Basic aHVudGVyMjpodW50ZXIy", "aHVudGVyMjpodW50ZXIy"),
        ("X-Api-Key: hunter2", "hunter2"),
        ('{"type": "account", "private_key": "hunter2"}', "hunter2"),
        ('org.x.PlainLoginModule required username="u" password="hun;ter,2";', "hun;ter,2"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ", "0123456789abcdef"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", "hunter2"),
    ],
)
def test_values_that_hold_secrets_under_any_key(value: str, secret: str) -> None:
    assert holds_secret("connection.target", value)
    assert secret not in shown("connection.target", value)


@pytest.mark.parametrize(
    "value",
    [
        "jdbc:mysql://db.invalid/x?user=made&password=${file:secrets/db.properties:password}",
        "mongodb://made:${env:PW}@db.invalid/x",
        "mongodb://db.invalid/x?authSource=admin",
        "postgresql://made@db.invalid:5432/x",
        "Bearer ${env:TOKEN}",
        "Authorization: Bearer ${env:TOKEN}",
        "source.secret:SECRETS,source.token:TOKENS",
        "password,token,api_key",
        "basic authentication",
        "https://schema-registry:8081/apis/ccompat/v7",
        "select id, max_tokens from t where key = 3",
        "org.x.TokenHandler",
        "12:30:00@daily",
        "${topic}-${partition}",
    ],
)
def test_values_that_do_not(value: str) -> None:
    assert not holds_secret("connection.target", value)
    assert shown("connection.target", value) == value


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login failed: password=hunter2, user=x", "hunter2"),
        ("sasl.jaas.config password: hunter2;", "hunter2"),
        ("jdbc:snowflake://user:hunter2@host/db", "hunter2"),
        ("key -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- end", "hunter2"),
        ("bearer eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "eyJzdWIiOiIx"),
        ("api.key = hunter2", "hunter2"),
        ("redis://:hunter2@cache:6379/0 is away", "hunter2"),
        ("https://made:hunt/er2@db.invalid/x", "er2"),
        ("{'password': 'hunter2', 'user': 'x'}", "hunter2"),
        ('{"login": {"client_secret": "hunter2"}}', "hunter2"),
        ("db.passwd=hunter2", "hunter2"),
        ("pass=hunter2 user=x", "hunter2"),
        ("aws_secret_access_key=hunter2", "hunter2"),
        ("GET /weather?q=Dhaka&appid=hunter2 failed", "hunter2"),
        ("basic.auth.user.info=admin:hunter2", "hunter2"),
        ("password=hun,ter2 and so on", "ter2"),
        ("the token shpat_0123456789abcdef0123 ended", "0123456789abcdef"),
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


@pytest.mark.parametrize(
    ("message", "resolved"),
    [
        ("Invalid value hunter22 for configuration number: not a number", {}),  # what it came to is missing
        ("Invalid value hunter22 for configuration number: not a number", {"number": "hunter22"}),
        ("'nter2' is too short", {"number": "hunter22"}),
    ],
)
def test_a_complaint_that_may_quote_a_resolved_value_is_withheld(message: str, resolved: dict[str, str]) -> None:
    """Kafka Connect quotes a resolved value that is refused, but for 4.2.2."""
    text = clean_message(message, "number", {"number": "${file:secrets:number}"}, resolved)
    assert text.startswith("refused by the plugin")
    assert "nter2" not in text


def test_a_complaint_about_a_plain_value_is_shown() -> None:
    config = {"number": "ten", "password": "${file:secrets:password}"}
    message = "Invalid value ten for configuration number: not a number"
    assert clean_message(message, "number", config, {"number": None, "password": "hunter22"}) == message
