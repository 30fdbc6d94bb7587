"""What a query costs: a scalar 0, an object 1, a connection as many of its nodes as ``first`` asks for, and 2."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.made_data import Json

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema, SelectionSetNode

_MUTATION = 10.0


@dataclass
class Points:
    """A bucket of query points that fills again."""

    size: float
    restore: float
    left: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.size

    def available(self) -> float:
        """Points that are there now."""
        now = time.monotonic()
        self.left = min(self.size, self.left + (now - self.at) * self.restore)
        self.at = now
        return self.left

    def as_json(self, requested: float, actual: float | None) -> Json:
        """``extensions`` of an answer."""
        status = {"maximumAvailable": self.size, "currentlyAvailable": int(self.available()),
                  "restoreRate": self.restore}  # fmt: skip
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}


def requested_cost(schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> float:
    """The most that the query may cost, before it is run."""
    from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, OperationDefinitionNode, OperationType

    fragments = {one.name.value: one for one in document.definitions if not isinstance(one, OperationDefinitionNode)}  # type: ignore[attr-defined]

    def number(node: FieldNode) -> int | None:
        for argument in node.arguments or ():  # None since 3.3
            if argument.name.value in ("first", "ids"):
                value = argument.value
                found = variables.get(value.name.value) if hasattr(value, "name") else getattr(value, "value", None)
                return len(found) if isinstance(found, list) else int(found) if found is not None else None
        return None

    def cost(selection: SelectionSetNode | None) -> float:
        total = 0.0
        for one in selection.selections if selection else ():
            if isinstance(one, FragmentSpreadNode):
                total += cost(fragments[one.name.value].selection_set)  # type: ignore[attr-defined]
            elif isinstance(one, InlineFragmentNode):
                total += cost(one.selection_set)
            elif isinstance(one, FieldNode) and one.selection_set is not None:
                inner, many = cost(one.selection_set), number(one)
                total += 2 + many * inner if many is not None else 0 if one.name.value == "pageInfo" else 1 + inner
        return total

    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    extra = _MUTATION if operation.operation is OperationType.MUTATION else 0.0
    return extra + cost(operation.selection_set)


def actual_cost(data: Any) -> float:
    """What the answer cost: its objects."""
    if isinstance(data, dict):
        return 1 + sum(actual_cost(value) for name, value in data.items() if name != "pageInfo")
    return sum(actual_cost(one) for one in data) if isinstance(data, list) else 0
