"""A chain of transforms: Connect's ``transforms=`` keys made into objects, and records sent through them in batches."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glue.errors import ConfigError
from glue.imports import load_class
from glue.transforms.contract import Predicate, Record, Transform

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Failure:
    """A record that a transform refused.

    Attributes:
        error: what it raised.
        stage: Connect's name of the stage: TRANSFORMATION, KEY_CONVERTER, VALUE_CONVERTER, TASK_PUT.
        class_name: the class that refused.
    """

    error: Exception
    stage: str
    class_name: str


Outcome = Record | Failure | None


@dataclass(slots=True)
class Step:
    """One transform with its alias and the predicate that guards it."""

    alias: str
    transform: Transform[Any]
    predicate: Predicate[Any] | None
    negate: bool

    @property
    def class_name(self) -> str:
        return f"{type(self.transform).__module__}:{type(self.transform).__qualname__}"


class Chain:
    """Transforms in order. Not thread-safe; close it when done."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> Chain:
        """The chain that ``transforms``, ``transforms.<alias>.*``, ``predicates`` and ``predicates.<name>.*`` declare.

        Raises:
            ConfigError: a type, a predicate or a setting is wrong; what was opened is closed again.
        """
        chain = cls([])
        predicates: dict[str, Predicate[Any]] = {}
        try:
            for name in _names(config.get("predicates", "")):
                props = _below(config, f"predicates.{name}.")
                what = f"predicate {name}"
                predicate = load_class(_required(props, "type", what), Predicate, what)()
                predicate.configure(props)
                predicates[name] = predicate
            for alias in _names(config.get("transforms", "")):
                props = _below(config, f"transforms.{alias}.")
                what = f"transform {alias}"
                transform = load_class(_required(props, "type", what), Transform, what)()
                guard, negate = props.pop("predicate", None), props.pop("negate", "false").lower() == "true"
                if guard is not None and guard not in predicates:
                    raise ConfigError(f"transform {alias}", f"unknown predicate {guard!r}", "declare it in predicates=")
                chain.steps.append(Step(alias, transform, predicates[guard] if guard else None, negate))
                transform.configure(props)
        except Exception:
            chain.close()
            raise
        return chain

    def run(self, records: Sequence[Record]) -> list[Outcome]:
        """One outcome a record, in order: the record that leaves, the failure that stopped it, or None if dropped.

        Transient errors are returned as failures too; the caller decides how often to try again.
        """
        outcomes: list[Outcome] = list(records)
        alive = list(range(len(records)))
        for step in self.steps:
            if not alive:
                break
            alive = self._run_step(step, outcomes, alive)
        return outcomes

    def _run_step(self, step: Step, outcomes: list[Outcome], alive: list[int]) -> list[int]:
        chosen = alive if step.predicate is None else self._chosen(step, outcomes, alive)
        if not chosen:
            return [index for index in alive if type(outcomes[index]) is Record]
        whole = len(chosen) == len(outcomes)
        batch: list[Any] = outcomes[:] if whole else [outcomes[index] for index in chosen]
        results: list[Any] = step.transform.apply_batch(batch)
        if len(results) != len(batch):
            raise ConfigError(
                f"transform {step.alias}",
                "apply_batch gave another number of results",
                "return one for each record",
            )
        if whole and set(map(type, results)) == {Record}:  # as nearly always: no loop over the records
            outcomes[:] = results
            return alive
        failed = False
        for index, result in zip(chosen, results, strict=True):
            if isinstance(result, Exception):
                outcomes[index] = Failure(result, "TRANSFORMATION", step.class_name)
                failed = True
            else:
                outcomes[index] = result
                failed = failed or result is None
        if not failed and chosen is alive:
            return alive
        return [index for index in alive if type(outcomes[index]) is Record]

    def _chosen(self, step: Step, outcomes: list[Outcome], alive: list[int]) -> list[int]:
        chosen = []
        assert step.predicate is not None  # noqa: S101
        for index in alive:
            record = outcomes[index]
            try:
                if isinstance(record, Record) and step.predicate.test(record) != step.negate:
                    chosen.append(index)
            except Exception as error:
                name = f"{type(step.predicate).__module__}:{type(step.predicate).__qualname__}"
                outcomes[index] = Failure(error, "TRANSFORMATION", name)
        return chosen

    def close(self) -> None:
        """Close every transform and predicate; a failure of one does not keep the others open."""
        closing: list[Transform[Any] | Predicate[Any]] = [step.transform for step in self.steps]
        closing += {id(s.predicate): s.predicate for s in self.steps if s.predicate}.values()
        for part in closing:
            try:
                part.close()
            except Exception:
                log.exception("closing %s failed", type(part).__name__)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(set(names)) != len(names):
        raise ConfigError("chain", f"a name occurs twice in {text!r}", "give each transform its own alias")
    return names


def _below(config: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in config.items() if name.startswith(prefix)}


def _required(props: dict[str, str], name: str, what: str) -> str:
    try:
        return props.pop(name)
    except KeyError:
        raise ConfigError(what, f"has no {name}", f"add …{name}") from None
