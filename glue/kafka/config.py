"""How this process reaches Kafka: one value that every client is made from.

``MXCTL_KAFKA`` names the brokers. Any other key of librdkafka comes from ``MXCTL_KAFKA_<KEY>`` (``SECURITY_PROTOCOL``
is ``security.protocol``) or from the file of ``MXCTL_KAFKA_PROPERTIES_FILE``; the environment overrides the file.
User and password of that file are read anew for each client, and by a client that is not let in any more.
Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from glue.errors import ConfigError, ServiceUnavailableError
from glue.imports import needs
from glue.settings import Settings

# A broker that hangs keeps its connections open: librdkafka would wait 60 s, while another one leads after 9 s.
_PATIENCE_MS = 10_000
# what librdkafka would print again and again is raised once
QUIET = {"log_level": 2, "socket.timeout.ms": _PATIENCE_MS}
_KEYS = "keys and values are those of librdkafka's CONFIGURATION.md"
_BROKERS = "name the brokers with MXCTL_KAFKA"
_OURS = "leave it out: the programs set it, and what they guarantee rests on it"
_OWNED = {
    "bootstrap.servers": _BROKERS, "metadata.broker.list": _BROKERS,
    **dict.fromkeys(
        (
            "acks", "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "transactional.id",
            "transaction.timeout.ms", "partitioner", "client.id", "group.id", "group.instance.id", "group.protocol",
            "group.remote.assignor", "partition.assignment.strategy", "isolation.level", "auto.offset.reset",
            "enable.auto.commit", "enable.auto.offset.store", "enable.partition.eof", "session.timeout.ms",
            "heartbeat.interval.ms", "max.poll.interval.ms", "logger", "on_commit", "on_delivery",
        ),
        _OURS,
    ),
}  # fmt: skip
_Client = TypeVar("_Client")
_LOGIN = ("sasl.username", "sasl.password")
_METHOD, _MSK_IAM = "sasl.oauthbearer.method", "aws_msk_iam"  # ours, beside librdkafka's own methods


@dataclass(frozen=True)
class KafkaConfig:
    """The cluster at ``bootstrap`` (host:port, comma-separated) and how to speak to it.

    Attributes:
        properties: keys of librdkafka with their values, for every client; never shown, since secrets are among them.
        file: where user and password come from, if from a file; they may change there.

    Raises:
        ConfigError: a property is one that the programs set themselves. Making a client raises it for a key that
            librdkafka does not know and for a value that it does not take; the value is never in the error.
    """

    bootstrap: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    file: Path | None = None

    def __post_init__(self) -> None:
        for key in self.properties:
            if key in _OWNED or key.endswith("_cb"):
                raise ConfigError(f"Kafka setting {key}", "it cannot be set from outside", _OWNED.get(key, _OURS))
        object.__setattr__(self, "properties", MappingProxyType(dict(self.properties)))

    @classmethod
    def of(cls, settings: Settings) -> KafkaConfig:
        """As the settings say.

        Raises:
            ConfigError: see the class; or the properties file cannot be read, or a line of it has no value.
        """
        file = settings.kafka_properties_file
        given = {key: value.get_secret_value() for key, value in settings.kafka_properties.items()}
        changing = None if "sasl.password" in given else file
        return cls(settings.kafka, {**(read_properties(file) if file else {}), **given}, changing)

    def addresses(self) -> Iterator[tuple[str, int]]:
        """Host and port of each bootstrap server.

        Raises:
            ConfigError: an address is not host:port.
        """
        for address in self.bootstrap.split(","):
            host, _, port = address.strip().rpartition("://")[2].rpartition(":")
            if not host or not port.isdigit():
                raise ConfigError(f"Kafka at {self.bootstrap}", f"{address!r} is not host:port", "correct MXCTL_KAFKA")
            yield host.strip("[]"), int(port)

    def must_listen(self, seconds: float = 5.0) -> None:
        """Say at once that nobody is there; librdkafka would go on trying until its timeout.

        Raises:
            ConfigError: an address is not host:port.
            ServiceUnavailableError: no broker takes a connection within ``seconds``.
        """
        why = ""
        for host, port in self.addresses():
            try:
                socket.create_connection((host, port), seconds).close()
                return
            except (OSError, OverflowError) as error:
                why = f"no broker answers at {self.bootstrap} ({getattr(error, 'strerror', None) or error})"
        fix = "is the broker up? mxctl local status; or name another with MXCTL_KAFKA"
        raise ServiceUnavailableError("Kafka", why, fix)

    def admin(self, config: Mapping[str, Any] | None = None) -> AdminClient:
        """An admin client. Hold it by a name while its futures are waited for: those of one that is gone never end."""
        return self._make(AdminClient, config or {})

    def producer(self, config: Mapping[str, Any] | None = None) -> Producer:
        """An idempotent producer (acks=all) that batches for throughput; ``config`` replaces single defaults."""
        defaults = {
            "enable.idempotence": True,
            "acks": "all",
            "socket.timeout.ms": _PATIENCE_MS,
            "request.timeout.ms": _PATIENCE_MS,
            "compression.type": "lz4",
            "linger.ms": 5,
            "partitioner": "murmur2_random",  # as Kafka's Java clients, so that a key has one partition everywhere
        }
        return self._make(Producer, {**defaults, **(config or {})})

    def consumer(self, group: str, config: Mapping[str, Any] | None = None) -> Consumer:
        """A read_committed consumer that starts at the earliest offset and commits only when told to."""
        defaults = {
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "socket.timeout.ms": _PATIENCE_MS,
            "partition.assignment.strategy": "cooperative-sticky",
        }
        return self._make(Consumer, {**defaults, **(config or {})})

    def _make(self, kind: Callable[[dict[str, Any]], _Client], config: Mapping[str, Any]) -> _Client:
        own: dict[str, Any] = dict(self.properties)
        if own.get(_METHOD) == _MSK_IAM:
            del own[_METHOD]
            own["oauth_cb"] = _msk_iam()
        try:
            if self.file is None or "sasl.password" not in own:
                return kind({**config, **own, "bootstrap.servers": self.bootstrap})
            own |= self._login()
            made: list[Any] = []
            callbacks = {"error_cb": partial(self._renew, own, made, config.get("error_cb"))}
            made.append(kind({**config, **own, **callbacks, "bootstrap.servers": self.bootstrap}))
            return cast("_Client", made[0])
        except (KafkaException, TypeError, ValueError, AttributeError) as error:
            if not self.properties:
                raise
            raise self._refused(error) from None

    def _login(self) -> dict[str, str]:
        """User and password as the file says now."""
        found = read_properties(self.file) if self.file else {}
        return {key: found[key] for key in _LOGIN if key in found}

    def _renew(self, used: dict[str, Any], made: list[Any], told: Any, error: KafkaError) -> None:
        """What a client calls when something fails: where it is the login, and the file has another one, take that."""
        if error.code() == KafkaError._AUTHENTICATION and made:
            with contextlib.suppress(ConfigError):  # it may be written this moment; the client comes again
                used |= self._login()
                # Not within the callback: a client that is called while it calls ends the whole process.
                login = [used[key] for key in _LOGIN]
                threading.Thread(target=made[0].set_sasl_credentials, args=login, daemon=True).start()
        if told is not None:
            told(error)

    def _refused(self, error: Exception) -> ConfigError:
        """Which key librdkafka does not take; its own words only where no value can be among them."""
        text = error.args[0].str() if isinstance(error, KafkaException) else ""
        keys = [key for key in self.properties if key in text] or [k for k in self.properties if self._is_bad(k)]
        keys = keys or re.findall(r"\b[a-z]+(?:\.[a-z]+)+\b", text) or list(self.properties)
        key = max(keys, key=len) if "configuration property" in text.lower() else ", ".join(sorted(keys))
        if "No such configuration property" in text:
            why = "librdkafka has no such key"
        elif "outside allowed range" in text:
            why = f"its value is outside {text.strip().rpartition('outside ')[2]}"
        elif "nvalid value" in text or not text or any(value in text for value in self.properties.values()):
            why = "librdkafka does not take its value"
        else:
            why = text.strip().removesuffix(".")
        names = " and ".join(env_name(one) for one in key.split(", "))
        return ConfigError(f"Kafka setting {key}", why, f"correct {names} or the properties file; {_KEYS}")

    def _is_bad(self, key: str) -> bool:
        """Whether librdkafka refuses this property by itself, regardless of other properties."""
        try:
            AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, key: self.properties[key]})
        except KafkaException as error:
            return not error.args[0].str().startswith("Failed to create")
        except (TypeError, ValueError, AttributeError):
            return True
        return False


def _msk_iam() -> Callable[[str], tuple[str, float]]:
    """What gives a token for Amazon MSK of the identity that this process has on AWS, and its end in seconds.

    The region is ``AWS_REGION``. Source: aws-msk-iam-sasl-signer-python, which counts in milliseconds.
    """
    with needs(f"{_METHOD}={_MSK_IAM}", "msk"):
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

    def token(_: str) -> tuple[str, float]:
        made, ends_ms = MSKAuthTokenProvider.generate_auth_token(os.environ.get("AWS_REGION", ""))
        return str(made), ends_ms / 1000

    return token


def env_name(key: str) -> str:
    """The environment variable that sets a key of librdkafka."""
    return f"MXCTL_KAFKA_{key.replace('.', '_').upper()}"


def read_properties(file: Path) -> dict[str, str]:
    """A Java-style properties file: ``key=value`` lines, ``#`` and ``!`` begin comments."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"Kafka properties file {file}", why, "correct MXCTL_KAFKA_PROPERTIES_FILE") from None
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line[0] in "#!":
            continue
        key, mark, value = (part.strip() for part in line.partition("="))
        if not key or not mark:
            what = f"Kafka properties file {file}, line {number}"
            raise ConfigError(what, "it is not key=value", f"one property a line; {_KEYS}")
        found[key] = value
    return found
