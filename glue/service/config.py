"""Settings of the service for one chain, in Connect's words where Connect has one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError

from glue.errors import ConfigError
from glue.reasons import invalid
from glue.transforms.contract import TransformConfig
from glue.transforms.declared import DeclaredChain

_CHAIN_KEYS = ("transforms", "predicates", "transforms.", "predicates.")


class ServiceConfig(TransformConfig):
    """What a chain file says beside its transforms."""

    topics: list[str] = Field(min_length=1, description="Topics to read.")
    output_topic: str = Field(description="Topic to write; its subject's latest schema is used.")
    group_id: str = Field("", description="Consumer group; empty for millionx-<chain>.")
    tasks_max: int = Field(1, ge=1, description="Worker processes, unless --workers is given.")
    batch_max_records: int = Field(2000, ge=1, description="Maximum number of records in a transaction.")
    batch_max_wait_ms: int = Field(100, ge=1, description="Longest wait for a batch to fill.")
    buffer_max_kbytes: int = Field(16_384, ge=64, description="Maximum size of prefetched records of a worker, in kB.")
    errors_tolerance: Literal["none", "all"] = Field(
        "none", description="none stops at a bad record, all sends it to dead letters."
    )
    errors_deadletterqueue_topic_name: str = Field("", description="Where bad records go.")
    errors_retry_timeout: int = Field(
        60_000, ge=-1, description="Milliseconds that a transient error is retried; -1 forever."
    )
    errors_retry_delay_max_ms: int = Field(5_000, ge=1, description="Longest pause between two attempts.")
    errors_log_enable: bool = Field(False, description="Whether each bad record is logged (never its contents).")
    headers_pass: list[str] = Field(
        ["traceparent", "tracestate"],
        description="Headers of the input to keep beside millionx.*; others are dropped, and so is a value that looks "
        "like a person's detail or is no short text.",
    )
    session_timeout_ms: int = Field(
        30_000, ge=1000, le=300_000, description="Time without a heartbeat after which a worker loses its partitions."
    )
    transaction_timeout_ms: int = Field(
        30_000,
        ge=1000,
        description="Time after which the broker aborts an open transaction, and readers wait no longer for one that "
        "a killed worker left; a sixth of it ends a transaction of slow records.",
    )

    @classmethod
    def of(cls, chain: DeclaredChain) -> ServiceConfig:
        """The service's part of a chain file.

        Raises:
            ConfigError: with every wrong key.
        """
        own = {
            name: value
            for name, value in chain.config.items()
            if name not in _CHAIN_KEYS[:2] and not name.startswith(_CHAIN_KEYS[2:])
        }
        try:
            config = cls.model_validate(own)
        except ValidationError as error:
            raise invalid(f"chain {chain.name}", error, "correct the file") from None
        if config.errors_tolerance == "all" and not config.errors_deadletterqueue_topic_name:
            raise ConfigError(
                f"chain {chain.name}",
                "errors.tolerance=all without a dead-letter topic would lose records",
                "set errors.deadletterqueue.topic.name",
            )
        if not config.group_id:
            config = config.model_copy(update={"group_id": f"millionx-{chain.name}"})
        return config
