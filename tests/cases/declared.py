"""Entries about declared files and their services: ``validate``, ``shown``, ``plan``, ``topicplan``, ``canonical``,
``personal``, ``decode`` and ``rest``.
"""

from __future__ import annotations

import base64
import http.server
import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from glue.settings import get_settings


def _validate(given: Any, want: Any) -> Iterator[str]:
    from glue.topology.load import load
    from glue.topology.validate import problems

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "c.json"
        file.write_text(json.dumps(given), encoding="utf-8")
        found = problems(load(get_settings(), connector_files=[str(file)]))
        problems = [str(one) for one in found if one.file and one.file.name == "c.json" and not one.warning]
    if want == "accepted" and problems:
        yield f"refused: {problems}"
    if want == "refused" and not problems:
        yield "accepted"


def _shown(given: Any, _: Any) -> Iterator[str]:
    from glue.secrets import shown

    if given["secret"] in shown(given["key"], given["value"]):
        yield f"printed: {shown(given['key'], given['value'])}"


def _plan(given: Any, want: Any) -> Iterator[str]:
    from glue.topology.configdef import Definitions
    from glue.topology.kinds.connector import Connector, LiveConnector, connector_change

    running = {"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]}
    declared = Connector(name="c", config=given["declared"])
    change = connector_change(declared, LiveConnector(given["live"], running), Definitions(None))  # type: ignore[arg-type]
    if (change is None) != (want == "no change"):
        yield f"{change}"


def _topic_plan(given: Any, _: Any) -> Iterator[str]:
    from glue.kafka.topics import LiveTopic
    from glue.topology.kinds.topic import Topic, topic_change

    live = LiveTopic(1, 1, given["live"], given["live"])
    change = topic_change("t", Topic(partitions=1, config=given["declared"]), live)
    if change is not None:
        yield f"{change}"


def _canonical(given: Any, want: Any) -> Iterator[str]:
    from glue.topology.avro_form import canonical

    same = canonical(given["a"]) == canonical(given["b"])
    if same != (want == "same"):
        yield "the same" if same else "they differ"


def _personal(given: Any, want: Any) -> Iterator[str]:
    from glue.privacy.tags import personal_fields

    if not set(want) <= set(personal_fields(given)):
        yield f"{personal_fields(given)}, want {want}"


def _arguments(one: dict[str, Any]) -> dict[str, Any]:
    references = {"references": one["references"]} if one.get("references") else {}
    return {"schema_str": one["schema"], "schema_type": one["type"], **references}


def _decode(given: Any, want: Any) -> Iterator[str]:
    from confluent_kafka.schema_registry import Schema

    from glue.service.decode import TopicReader, to_records
    from glue.transforms.chain import Failure

    schemas = {int(number): Schema(**_arguments(one)) for number, one in given["schemas"].items()}
    latest = SimpleNamespace(schema_id=given["latest"], schema=schemas[given["latest"]])
    registry: Any = SimpleNamespace(get_schema=lambda number, *_, **__: schemas[number],
                                    get_latest_version=lambda _: latest)  # fmt: skip
    message: Any = SimpleNamespace(
        key=lambda: b"k", value=lambda: base64.b64decode(given["base64"]), topic=lambda: "t", headers=lambda: None,
        timestamp=lambda: (1, 1), partition=lambda: 0, offset=lambda: 0, error=lambda: None,
    )  # fmt: skip
    (outcome,) = to_records([message], TopicReader(registry))
    text = str(outcome.error) if isinstance(outcome, Failure) else ""
    if "reason_has" in want and not re.search(want["reason_has"], text):
        yield f"the reason is {text!r}"


def _rest(given: Any, want: Any) -> Iterator[str]:
    from glue.connect import ConnectClient
    from glue.topology import offsets, operate
    from glue.topology.configdef import Definitions

    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            missing = (404, {"error_code": 404, "message": "HTTP 404 Not Found"})
            code, body = next((one for way, one in given["answers"].items() if re.search(way, self.path)), missing)
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = answer  # noqa: N815

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = ConnectClient(f"http://127.0.0.1:{server.server_port}", patience=1, retries=0)
    services: Any = SimpleNamespace(connect=client, settings=get_settings(), definitions=Definitions(client))
    calls: dict[str, Callable[[], Any]] = {
        "describe": lambda: operate.describe_connector(services, given["name"]),
        "offsets": lambda: offsets.standings(services, given["name"]),
        "put": lambda: client.put_config(given["name"], {}),
    }
    try:
        calls[given["call"]]()
    except Exception as error:
        text = f"{type(error).__name__}: {error} {getattr(error, 'fix', '')}"
        if want.get("no_error"):
            yield text
        if "error_has" in want and not re.search(want["error_has"], text):
            yield text
    finally:
        server.shutdown()
        server.server_close()
    if "path" in want and asked and not asked[-1].startswith(want["path"]):
        yield f"asked {asked[-1]}"


ENTRIES: dict[str, Callable[[Any, Any], Iterator[str]]] = {
    "validate": _validate,
    "shown": _shown,
    "plan": _plan,
    "topicplan": _topic_plan,
    "canonical": _canonical,
    "personal": _personal,
    "decode": _decode,
    "rest": _rest,
}
