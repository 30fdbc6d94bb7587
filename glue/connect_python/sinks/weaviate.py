"""The Weaviate sink: ``python.class=glue.connect_python.sinks.weaviate:GatedWeaviateSink``, or without its gate."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from weaviate import WeaviateClient
from weaviate.classes.config import ConsistencyLevel
from weaviate.classes.data import DataObject
from weaviate.classes.init import Auth
from weaviate.classes.query import Filter
from weaviate.exceptions import (
    WeaviateInsertInvalidPropertyError,
    WeaviateInsertManyAllFailedError,
    WeaviateInvalidInputError,
)

from glue.connect_python.gate import Gated
from glue.connect_python.sink import Partition, Report, Sink
from glue.connect_python.sinks.weaviate_config import WeaviateSinkConfig
from glue.connect_python.sinks.weaviate_objects import Objects, Write, waves
from glue.errors import DataError, MillionXError, ServiceError, ServiceUnavailableError
from glue.stores.weaviate.client import open_client
from glue.transforms.contract import Record

_LOG = logging.getLogger(__name__)
# raised for a batch without naming an object, so the batch is halved until one is left
_UNSENDABLE = (
    WeaviateInsertManyAllFailedError,  # Weaviate refused all, and does not say which for what
    WeaviateInvalidInputError,
    WeaviateInsertInvalidPropertyError,
    ValueError,
    TypeError,
    OverflowError,
)
# what a node says while it cannot write: nothing is wrong with the object, and later it will be taken
_TRANSIENT = re.compile(
    r"read.?only|no space|disk|deadline|unavailable|timed? ?out|connect|shutting down|shut down|closed|memory|leader"
    r"|replica|broadcast|consistency|too many|transport|not ready|locked|context canceled|status code: (429|5\d\d)"
    r"|could not find index",  # a node that starts, before it has loaded its collections
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"unauthenticated|unauthorized|permission.?denied|forbidden|status code: 40[13]", re.IGNORECASE)
_OBJECT = re.compile(r"^invalid |vector dimensions|dimensions|vector lengths", re.IGNORECASE)
# Weaviate quotes the value it refuses; a dead letter's headers must not
_QUOTED = re.compile(r"(given value is|got|value:|parsing time)\s.*$", re.IGNORECASE | re.DOTALL)

_ALL_FAILED = "Here is the set of all errors: "


class WeaviateSink(Sink[WeaviateSinkConfig]):
    """Writes records as objects of Weaviate collections, with vectors that come with them.

    Everything is stored when ``put`` returns. The same record always gives the same id, and writing replaces, so that
    a redelivery changes nothing. An object that Weaviate refuses goes to dead letters with Weaviate's reason; while
    Weaviate is away, the batch waits.
    """

    def configure(self, props: Mapping[str, str]) -> None:
        """Take the options; Weaviate itself may be away now."""
        super().configure(props)
        logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)  # it logs refused objects with their values
        self._objects = Objects(self.config)
        self._pool = ThreadPoolExecutor(self.config.pool_size, "weaviate")
        self._connecting = threading.Lock()
        self._client: WeaviateClient | None = None
        self._known: set[str] = set()

    def open(self, partitions: Collection[Partition]) -> None:
        """Connect already, beside everything else, so that the first record need not wait a second for it."""
        self._pool.submit(self._connect_early)

    def _connect_early(self) -> None:
        try:
            self._connected()
        except Exception as error:  # the first record tries again, and says what is wrong
            _LOG.info("not connected yet: %s", type(error).__name__)

    def _connected(self) -> WeaviateClient:
        with self._connecting:
            if self._client is None:
                self._client = connect(self.config)
            return self._client

    def put(self, records: Sequence[Record], report: Report) -> None:
        """Write the records; return when all are stored or reported."""
        writes: list[Write] = []
        for record in records:
            try:
                write = self._objects.write(record)
            except DataError as error:
                report(record, error)
            else:
                if write is not None:
                    writes.append(write)
        for wave in waves(writes):
            groups: defaultdict[tuple[str, bool], list[Write]] = defaultdict(list)
            for write in wave:
                groups[write.collection, write.properties is None].append(write)
            size = self.config.batch_size
            batches = [group[at : at + size] for group in groups.values() for at in range(0, len(group), size)]
            for refused in self._pool.map(self._deliver, batches):
                for write, why in refused:
                    report(write.record, DataError(f"Weaviate refused an object of {write.collection}", why))

    def _deliver(self, batch: list[Write]) -> list[tuple[Write, str]]:
        """Store a batch, trying again as often as the options say; returns what Weaviate refused, with its reason.

        Raises:
            ServiceUnavailableError: Weaviate is away, cannot write now, or has no such collection.
            ServiceError: it does not let us in.
        """
        left = {True: self.config.max_timeout_retries, False: self.config.max_connection_retries}
        while True:
            try:
                collection = self._collection(batch[0].collection)
                return (
                    self._delete(collection, batch) if batch[0].properties is None else self._insert(collection, batch)
                )
            except ServiceError:
                raise
            except Exception as error:
                late = is_timeout(error)
                problem = of_call(error, self.config.weaviate_connection_url)
                if not isinstance(problem, ServiceUnavailableError) or left[late] == 0:
                    problem.retry_after_ms = self.config.retry_interval  # type: ignore[attr-defined]
                    raise problem from error
                left[late] -= 1
                _LOG.warning("%s; trying again", problem)
                time.sleep(self.config.retry_interval / 1000)

    def _collection(self, name: str) -> Any:
        client = self._connected()
        if name not in self._known:
            # A node that starts says so, too, of what it has: a request that came before it had read its schema waits,
            # and is then answered from the empty one.
            if not client.collections.exists(name):
                raise ServiceUnavailableError(
                    f"Weaviate collection {name}", "it does not exist", "create it: mxctl weaviate apply"
                )
            self._known.add(name)
        level = ConsistencyLevel(self.config.consistency_level)
        return client.collections.use(name).with_consistency_level(level)

    def _insert(self, collection: Any, batch: list[Write]) -> list[tuple[Write, str]]:
        objects = [DataObject(uuid=one.id, properties=one.properties, vector=one.vector) for one in batch]
        try:
            result = collection.data.insert_many(objects)
        except Exception as error:
            if not (isinstance(error, _UNSENDABLE) or is_too_large(error)):
                raise
            if len(batch) > 1:
                half = len(batch) // 2
                return self._insert(collection, batch[:half]) + self._insert(collection, batch[half:])
            return self._refused({0: str(getattr(error, "message", error))}, batch)
        return self._refused({at: problem.message for at, problem in result.errors.items()}, batch)

    def _refused(self, messages: dict[int, str], batch: list[Write]) -> list[tuple[Write, str]]:
        for message in messages.values():
            if is_transient(message):
                raise ServiceUnavailableError("Weaviate", reason(message))
        return [(batch[at], reason(message)) for at, message in messages.items()]

    def _delete(self, collection: Any, batch: list[Write]) -> list[tuple[Write, str]]:
        result = collection.data.delete_many(Filter.by_id().contains_any([one.id for one in batch]), verbose=False)
        if result.failed:
            raise ServiceUnavailableError("Weaviate", f"{result.failed} of {len(batch)} deletions failed")
        return []

    def stop(self) -> None:
        """Close the connection."""
        self._pool.shutdown()
        if self._client is not None:
            self._client.close()


class GatedWeaviateSink(Gated[WeaviateSinkConfig], WeaviateSink):
    """WeaviateSink behind the privacy gate."""


def connect(config: WeaviateSinkConfig) -> WeaviateClient:
    """A connected client, as the options say."""
    auth: Any = None
    if config.weaviate_auth_scheme == "OIDC_CLIENT_CREDENTIALS" and config.weaviate_oidc_client_secret:
        secret = config.weaviate_oidc_client_secret.get_secret_value()
        auth = Auth.client_credentials(secret, scope=" ".join(config.weaviate_oidc_scopes))
    elif config.weaviate_api_key:
        auth = Auth.api_key(config.weaviate_api_key.get_secret_value())
    return open_client(
        config.weaviate_connection_url,
        config.weaviate_grpc_url,
        grpc_secure=config.weaviate_grpc_secured,
        auth=auth,
        headers=dict(header.split("=", 1) for header in config.weaviate_headers),
        seconds=config.await_termination_ms / 1000,
    )


def is_transient(message: str) -> bool:
    """Whether an object was refused for reasons that pass, so that trying again makes sense."""
    return bool(_TRANSIENT.search(message)) and not _OBJECT.search(message)


def reason(message: str) -> str:
    """Why an object was refused, without the value."""
    return _QUOTED.sub(r"\1 …", message.rpartition(_ALL_FAILED)[2].strip())


def is_timeout(error: Exception) -> bool:
    """Whether a failed call was late, rather than not connected."""
    return bool(re.search(r"timed? ?out|deadline", f"{type(error).__name__} {error}", re.IGNORECASE))


def is_too_large(error: Exception) -> bool:
    """Whether a request was refused for its size alone."""
    return "larger than max" in str(error)


def of_call(error: Exception, url: str) -> MillionXError:
    """The error for a call that failed as a whole."""
    if isinstance(error, ServiceUnavailableError):
        return error
    text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if _FORBIDDEN.search(str(error)):
        return ServiceError(f"Weaviate at {url}", text, "check weaviate.api.key and the rights of its user")
    return ServiceUnavailableError(f"Weaviate at {url}", text, "start it, or wait for it; nothing is lost")
