"""The clients that the topology needs, each made when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from glue.connect import ConnectClient
from glue.kafka.config import QUIET, KafkaConfig
from glue.kafka.reads import TIMEOUT, must_answer
from glue.registry import registry_client
from glue.settings import Settings
from glue.topology.configdef import Definitions
from glue.topology.memory import MemoryTopic

if TYPE_CHECKING:
    from glue.registry import SchemaRegistryClient


class Services:
    """Connect, registry and Kafka of one cluster, as the settings name them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def connect(self) -> ConnectClient:
        """Kafka Connect's REST."""
        return ConnectClient.of(self.settings)

    @property
    def connect_calls(self) -> int:
        """How often Connect was called."""
        return self.connect.calls if "connect" in self.__dict__ else 0

    @cached_property
    def registry(self) -> SchemaRegistryClient:
        """The Schema Registry."""
        return registry_client(self.settings)

    @cached_property
    def kafka(self) -> KafkaConfig:
        """How to reach Kafka."""
        return KafkaConfig.of(self.settings)

    @cached_property
    def admin(self) -> Any:
        """Kafka's admin client (``confluent_kafka.admin.AdminClient``).

        Raises:
            ServiceUnavailableError: nobody listens there.
        """
        self.kafka.must_listen()
        return self.kafka.admin(QUIET)

    @cached_property
    def memory(self) -> MemoryTopic:
        """What mxctl remembers in the cluster."""
        return MemoryTopic(self.kafka, self.settings.owner)

    @cached_property
    def plugins(self) -> list[dict[str, Any]]:
        """The worker's plugins, asked once."""
        return self.connect.plugins()

    @cached_property
    def definitions(self) -> Definitions:
        """What the keys of connectors' configs are."""
        return Definitions(self.connect)

    @cached_property
    def cluster_id(self) -> str:
        """Id of the Kafka cluster, which tells one cluster from another.

        Raises:
            ServiceUnavailableError: Kafka does not answer.
        """
        with must_answer("the cluster"):
            return str(self.admin.list_topics("__none", timeout=TIMEOUT).cluster_id)
