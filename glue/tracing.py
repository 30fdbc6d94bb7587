"""Traces from source to sink in OpenTelemetry's words, carried by the header ``traceparent`` (W3C Trace Context).

Off unless ``MXCTL_TRACES`` names a collector; then the extra ``tracing`` is needed. Records travel in batches, so there
is one span for each trace that passes in a batch, and its records go on with the context of that span. The SDK reads
its own variables too: ``OTEL_TRACES_SAMPLER`` and ``OTEL_TRACES_SAMPLER_ARG`` say which share is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from glue.imports import needs
from glue.settings import get_settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Headers = Sequence[tuple[str, bytes | None]]
HEADER = "traceparent"


@cache
def tracer(service: str) -> Tracer | None:
    """The tracer of this process, None when traces are off; what it ends is exported in the background and at exit.

    Args:
        service: OpenTelemetry's ``service.name``.

    Raises:
        ConfigError: a collector is named, and the extra is not installed.
    """
    address = get_settings().traces
    if not address:
        return None
    with needs("traces (MXCTL_TRACES is set)"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return provider.get_tracer("millionx")


class Traces:
    """The spans of one batch after the other; not thread-safe.

    Args:
        name: of each span, such as ``chain posts``.
    """

    def __init__(self, tracer: Tracer, name: str) -> None:
        self._tracer, self._name = tracer, name
        self._spans: dict[bytes, tuple[Span, bytes]] = {}
        self._counts: dict[bytes, int] = {}
        self._began = 0

    def begin(self) -> None:
        """A batch begins; what an earlier one left open was given up."""
        self.end("given up, to be done again")
        self._began = time.time_ns()

    def start(self) -> bytes:
        """A trace begins with this batch; what its records carry."""
        return self._open(b"", None)

    def passes(self, headers: Headers, error: str = "") -> list[tuple[str, bytes | None]]:
        """The headers with which a record goes on: as they came, or its trace led through this batch.

        Args:
            error: why the record goes no further, if it does not; without anything personal.
        """
        came = next((value for name, value in reversed(headers) if name == HEADER and value), None)
        if came is None:
            return list(headers)
        goes = self._spans[came][1] if came in self._spans else self._continue(came)
        if goes is None:
            return list(headers)
        self._counts[came] = self._counts.get(came, 0) + 1
        if error:
            self._spans[came][0].add_event("set aside", {"reason": error})
        return [(name, goes if name == HEADER else value) for name, value in headers]

    def _continue(self, came: bytes) -> bytes | None:
        from opentelemetry.trace import get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({HEADER: came.decode("ascii", "replace")})
        parent = get_current_span(context).get_span_context()
        if not parent.is_valid or not parent.trace_flags.sampled:
            return None  # somebody decided not to keep this one; its header goes on as it is
        return self._open(came, context)

    def _open(self, came: bytes, context: object) -> bytes:
        from opentelemetry.trace import SpanKind

        kind = SpanKind.CONSUMER if came else SpanKind.PRODUCER
        span = self._tracer.start_span(self._name, context, kind, start_time=self._began or None)  # type: ignore[arg-type]
        made = span.get_span_context()
        goes = f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}".encode()
        self._spans[came] = span, goes
        return goes

    def end(self, error: str = "", records: int = 0) -> None:
        """The batch is done, or ``error`` says why not; ``records`` is how many a trace that began here has."""
        if not self._spans:
            return
        from opentelemetry.trace import Status, StatusCode

        for came, (span, _) in self._spans.items():
            span.set_attribute("messaging.system", "kafka")
            span.set_attribute("messaging.batch.message_count", self._counts.get(came, records))
            if error:
                span.set_status(Status(StatusCode.ERROR, error))
            span.end()
        self._spans.clear()
        self._counts.clear()


def traces(service: str, name: str) -> Traces | None:
    """Traces whose spans are called ``name``; None when they are off."""
    found = tracer(service)
    return None if found is None else Traces(found, name)
