"""The test cases of chain files, run without a broker: JSON to Avro to record, through the chain, and compared."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue.avro_types import from_json, to_json
from glue.privacy.declared import schema_of
from glue.transforms.chain import Chain, Failure
from glue.transforms.contract import Record
from glue.transforms.declared import Case, DeclaredChain, load_chain


@dataclass(frozen=True)
class CaseResult:
    """How one case went; no problems means that it passed."""

    chain: str
    name: str
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problems

    def summary(self) -> dict[str, Any]:
        """For programs."""
        return {"chain": self.chain, "name": self.name, "passed": self.passed, "problems": self.problems}


def run_cases(name: str) -> list[CaseResult]:
    """Run the cases of a declared chain.

    Raises:
        UsageError: no such chain.
        ConfigError: the chain does not start.
    """
    declared = load_chain(name)
    if not declared.tests:
        return []
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        secret = base64.b64encode(hashlib.sha256(b"test").digest()).decode()
        keys.write_text(json.dumps({"active": "test", "keys": {"test": secret}}))
        chain = Chain.from_config(_with_keys(declared.config, keys))
    try:
        return [CaseResult(name, case.name, _problems(chain, declared, case)) for case in declared.tests]
    finally:
        chain.close()


def _with_keys(config: dict[str, str], keys: Path) -> dict[str, str]:
    """``config`` with a key that everybody may know, so that expected pseudonyms can be written down."""
    made = dict(config)
    for alias in config.get("transforms", "").split(","):
        if config.get(f"transforms.{alias.strip()}.type", "").endswith((":HashIdentity", ":Decrypt", ":ScrubPII")):
            made[f"transforms.{alias.strip()}.keys.file"] = str(keys)
            made.pop(f"transforms.{alias.strip()}.key.id", None)
    return made


def _problems(chain: Chain, declared: DeclaredChain, case: Case) -> list[str]:
    for step in chain.steps:
        step.transform.offline(case.fixtures)
    topic = case.input.topic or declared.config["topics"].split(",")[0].strip()
    schema = schema_of(topic)
    value = None if case.input.value is None else from_json(case.input.value, schema)
    headers = [(name, text.encode()) for name, text in case.input.headers.items()]
    record = Record(topic, case.input.key, value, schema, list(headers), case.input.timestamp, 0, 0)
    (outcome,) = chain.run([record])
    if isinstance(outcome, Failure):
        if case.error is None:
            return [f"refused by {outcome.class_name}: {outcome.error}"]
        text = str(outcome.error)
        return [] if case.error in text else [f"refused with {text!r}, expected {case.error!r}"]
    if outcome is None:
        return [] if case.dropped else ["dropped"]
    if case.error is not None or case.dropped:
        return ["passed, expected " + ("a refusal" if case.error else "to be dropped")]
    return list(_differences(outcome, case))


def _differences(record: Record, case: Case) -> Iterator[str]:
    actual = to_json(record.value)
    expected = case.output
    if expected is not None:
        if expected.key is not None and expected.key != record.key:
            yield f"key is {record.key!r}, expected {expected.key!r}"
        for name, wanted in (expected.value or {}).items():
            found = actual.get(name) if isinstance(actual, dict) else None
            if found != wanted:
                yield f"{name} is {found!r}, expected {wanted!r}"
        headers = {name: (content or b"").decode("utf-8", "replace") for name, content in record.headers}
        for name, text in expected.headers.items():
            if headers.get(name) != text:
                yield f"header {name} is {headers.get(name)!r}, expected {text!r}"
    everything = json.dumps([record.key, actual, [str(h) for h in record.headers]], ensure_ascii=False)
    for text in case.absent:
        if text in everything:
            yield f"{text!r} is still there"
