"""Every key of librdkafka has a way in, from the environment and from a file, and no value of one a way out."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.kafka.config import KafkaConfig
from glue.settings import Settings

SECRET = "hush-4711"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_keys_of_the_environment_reach_the_client(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_KAFKA", "broker:9093")
    monkeypatch.setenv("MXCTL_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("MXCTL_KAFKA_SASL_USERNAME", "millionx")
    monkeypatch.setenv("MXCTL_KAFKA_LOG_LEVEL", "3")
    monkeypatch.setenv("MXCTL_KAFKA_SSL_CA_LOCATION", "")  # as compose hands on a variable that is not set
    kafka = KafkaConfig.of(Settings())
    assert kafka.bootstrap == "broker:9093"
    assert kafka.properties == {"security.protocol": "SASL_SSL", "sasl.username": "millionx", "log_level": "3"}


def test_the_environment_stands_above_dotenv_and_both_above_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = here / "client.properties"
    file.write_text(f"# ours\n\nsasl.password = {SECRET}=x \nsasl.username=file\nsasl.mechanisms=PLAIN\nlinger.ms=1\n")
    (here / ".env").write_text(f"MXCTL_KAFKA_PROPERTIES_FILE={file}\nMXCTL_KAFKA_SASL_USERNAME=dot\n")
    monkeypatch.setenv("MXCTL_KAFKA_LINGER_MS", "2")
    assert KafkaConfig.of(Settings()).properties == {
        "sasl.password": f"{SECRET}=x", "sasl.username": "dot", "sasl.mechanisms": "PLAIN", "linger.ms": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    "key", ["bootstrap.servers", "enable.idempotence", "isolation.level", "transactional.id", "enable.auto.commit",
            "group.id", "acks", "client.id", "stats_cb"],
)  # fmt: skip
def test_what_the_guarantees_rest_on_is_refused_by_name(key: str) -> None:
    with pytest.raises(ConfigError, match=key) as caught:
        KafkaConfig("broker:9092", {key: SECRET})
    assert caught.value.fix and SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("properties", "key"),
    [
        ({"sasl.pasword": SECRET}, "sasl.pasword"),
        ({"security.protocol": SECRET}, "security.protocol"),
        ({"socket.timeout.ms": f"9{SECRET}"}, "socket.timeout.ms"),
        ({"sasl.jaas.config": SECRET}, "sasl.jaas.config"),
        ({"security.protocol": "SSL", "ssl.key.pem": SECRET}, "ssl.key.pem"),
        ({"security.protocol": "SSL", "ssl.ca.location": "/nowhere/ca.pem"}, "ssl.ca.location"),
        ({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": SECRET}, "sasl.mechanism"),
        ({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}, "sasl.password"),
        ({"default.topic.config": SECRET}, "default.topic.config"),
    ],
)
def test_a_bad_key_or_value_is_named_and_never_shown(
    properties: dict[str, str], key: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kafka = KafkaConfig("127.0.0.1:9", properties)
    for make in (kafka.admin, kafka.producer, lambda: kafka.consumer("group")):
        with pytest.raises(ConfigError) as caught:
            make()
        assert key in caught.value.what
        assert f"MXCTL_KAFKA_{key.replace('.', '_').upper()}" in caught.value.fix
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        told = f"{caught.value!r}{caught.value}{caught.value.fix}{capfd.readouterr()}{caplog.text}"
        assert SECRET not in told


def test_a_line_of_the_file_that_is_none_is_named_by_its_number(here: Path) -> None:
    (here / "p").write_text(f"linger.ms=1\n{SECRET}\n")
    with pytest.raises(ConfigError, match="line 2") as caught:
        KafkaConfig.of(Settings(kafka_properties_file=here / "p"))
    assert SECRET not in str(caught.value)
    with pytest.raises(ConfigError, match="No such file"):
        KafkaConfig.of(Settings(kafka_properties_file=here / "absent"))


def test_it_is_frozen_and_shows_no_secret(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXCTL_KAFKA_SASL_PASSWORD", SECRET)
    settings = Settings()
    kafka = KafkaConfig.of(settings)
    assert kafka.properties["sasl.password"] == SECRET
    assert SECRET not in f"{kafka!r}{kafka}{settings!r}{settings.model_dump_json()}"
    assert kafka == KafkaConfig.of(settings) and hash(kafka) == hash(KafkaConfig.of(settings))
    with pytest.raises(TypeError):
        kafka.properties["sasl.password"] = ""  # type: ignore[index]
