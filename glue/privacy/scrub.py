"""Scrubbing: personal data leaves the texts of a value, and fields that are personal throughout leave the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from glue.avro_types import AvroSchema, BySchema, branches, expanded, type_name
from glue.errors import DataError
from glue.privacy import recognisers
from glue.privacy.mentions import without_pseudonyms
from glue.privacy.tags import Tag, closed_pattern, holds_text, tag_of

TextMap = Callable[[str], str]
Visit = Callable[[Any], Any]
Pseudonym = Callable[[str], str | None]
PLACEHOLDER = "[{}]"
_SHORT, _REMEMBERED = 32, 20_000  # characters of a text that is remembered to hold nothing, and how many are
_CLOSED = 1_000  # values of a field that are remembered to have its closed form


class _Field(NamedTuple):
    """A field that does not stay as it is.

    Attributes:
        visit: what happens to its value; None removes it.
        known: texts that pass as they are.
        holds: the type of the value whose texts, if all are known, need no visit; None where there is more to it.
        form: the pattern of texts that pass as they are, if there is one.
    """

    name: str
    visit: Visit | None
    known: set[str]
    holds: type[str | list[str] | dict[str, Any]] | None
    form: str | None


def _visit_fields(fields: Sequence[tuple[Any, ...]], value: dict[str, Any]) -> None:
    """Visit what ``value`` holds of these fields and does not know, in place."""
    for name, visit, known, holds, _ in fields:
        if name not in value:
            continue
        given = value[name]
        if visit is None:
            del value[name]
        elif type(given) is not holds or not (given in known if holds is str else known.issuperset(given)):
            value[name] = visit(given)


try:
    from glue.avro_native import visit_fields
except ImportError:  # installed where no compiler was
    visit_fields = _visit_fields


class Scrubber:
    """Scrubs texts, and values by the tags of their schema. Not thread-safe.

    Args:
        placeholder: what replaces a find; ``{}`` in it becomes the kind, such as PHONE.
        drop: whether fields tagged PII_DROP are removed.
        again: whether texts tagged SCRUBBED are scrubbed once more; pseudonyms in them are a chain's, and stay. Else
            one that is typed is text, and reduced to its kind.
        pseudonym: of a handle or of what a profile's link names, None where it names nobody; it is put after the kind
            (``[HANDLE:k1:…]``), so that who mentions whom survives. Without it the kind stands alone.

    Attributes:
        found: how many finds of each kind were replaced since it was last cleared.
    """

    def __init__(
        self,
        placeholder: str = PLACEHOLDER,
        *,
        drop: bool = True,
        again: bool = False,
        pseudonym: Pseudonym | None = None,
    ) -> None:
        self._placeholder, self._pseudonym = placeholder, pseudonym
        self._placeholders = {entity: placeholder.replace("{}", entity) for entity in recognisers.ENTITIES}
        self._drop, self._again = drop, again
        self._plan = BySchema(lambda schema: (self._fields(schema), self.output_schema(schema)))
        self.found: dict[str, int] = {}
        self._clean: set[str] = set()  # tags and names come again and again

    def text(self, text: str) -> str:
        """``text`` with every find replaced."""
        short = len(text) <= _SHORT
        if short and text in self._clean:
            return text
        given = text
        if not self._again:
            text = without_pseudonyms(text)
        spans = recognisers.find(text)
        if not spans:
            if short and text == given:
                if len(self._clean) >= _REMEMBERED:
                    self._clean.clear()
                self._clean.add(text)
            return text
        parts: list[str] = []
        position = 0
        for start, end, entity in spans:
            parts += text[position:start], self._instead(text[start:end], entity)
            position = end
            self.found[entity] = self.found.get(entity, 0) + 1
        parts.append(text[position:])
        return "".join(parts)

    def _instead(self, found: str, entity: str) -> str:
        if self._pseudonym is not None and entity in recognisers.PERSONS:
            known = self._pseudonym(recognisers.named_by(found))
            if known is not None:
                return self._placeholder.replace("{}", f"{entity}:{known}")
        return self._placeholders[entity]

    def value(self, value: dict[str, Any], schema: AvroSchema) -> AvroSchema:
        """Scrub ``value`` in place; the schema that it has then."""
        fields, output = self._plan(schema)
        visit_fields(fields, value)
        return output

    def looks_at(self, schema: AvroSchema) -> list[str]:
        """The fields that do not pass unread."""
        return [field.name for field in self._plan(schema)[0]]

    def passes(self, schema: AvroSchema) -> dict[str, str | None] | None:
        """Fields that do not pass unread, with the pattern of texts that do; None where one is more than a text."""
        fields = self._plan(schema)[0]
        return {field.name: field.form for field in fields} if all(field.holds is str for field in fields) else None

    def _fields(self, schema: AvroSchema) -> list[_Field]:
        """What happens to each field that does not stay as it is."""
        plan: list[_Field] = []
        for field in expanded(schema)["fields"]:
            tag, known, form = tag_of(field), self._clean, None
            visit_text: TextMap = self.text
            if tag == "PII_DROP" and self._drop:
                plan.append(_Field(field["name"], None, known, None, form))
                continue
            if tag == "PUBLIC" and holds_text(field["type"]):
                known, visit_text, form = _unless_closed(field, self.text, self._clean)
            elif not (tag == "PII_TEXT" or (self._again and tag == "SCRUBBED")):
                continue
            visit = compile_visit(field["type"], visit_text, "PII_TEXT")
            plan.append(_Field(field["name"], visit, known, _only_texts(field["type"]), form))
        return plan

    def output_schema(self, schema: AvroSchema) -> AvroSchema:
        """``schema`` without the fields that are removed, and with SCRUBBED on those that are scrubbed."""
        fields = []
        for field in schema["fields"]:
            tag = tag_of(field)
            if tag == "PII_DROP" and self._drop:
                continue
            fields.append({**field, "confluent:tags": ["SCRUBBED"]} if tag == "PII_TEXT" else field)
        return {**schema, "fields": fields}


def _only_texts(avro_type: Any) -> type[str | list[str] | dict[str, Any]] | None:
    """The type of a value that is a text, or whose iteration gives all texts in it; None where neither is so."""
    options = branches(avro_type)
    name = type_name(options[0]) if len(options) == 1 else ""
    if name == "array" and [*map(type_name, branches(options[0]["items"]))] == ["string"]:
        return list
    if name == "map" and compile_visit(options[0]["values"], str, None) is _same:
        return dict
    return str if name == "string" else None


def _unless_closed(field: dict[str, Any], visit_text: TextMap, clean: set[str]) -> tuple[set[str], TextMap, str | None]:
    """What passes as it is; ``visit_text`` for what does not have the closed form that the field's schema names; and
    the pattern of that form.

    A field that anybody may fill is as good a place for a phone as a post is, whatever its tag says. A closed form is
    the ``enum`` or ``pattern`` of its constraints, which a record must meet, or ``closed``, a pattern of values that
    pass as they are while others are scrubbed. With ``codes`` "gtin" a trade number passes too: Korea's begin as phones
    of Bangladesh do (880), and only their check digit tells them apart.
    """
    constraints = field.get("constraints") or {}
    closed: set[str] = set(constraints.get("enum", ()))  # what passes; a platform, a language comes again and again
    if closed:
        return closed, lambda text: text if text in closed else visit_text(text), None
    pattern = closed_pattern(field)
    if pattern is None:
        return clean, visit_text, None
    matches = re.compile(pattern).fullmatch
    is_code = field.get("codes") == "gtin"

    def visit(text: str) -> str:
        if text in closed:
            return text
        if not (matches(text) or (is_code and _is_gtin(text))):
            return visit_text(text)
        if len(closed) >= _CLOSED:
            closed.clear()
        closed.add(text)
        return text

    return closed, visit, pattern


def _is_gtin(text: str) -> bool:
    """Whether a text is a GTIN-13 (EAN) with a right check digit, without any separator."""
    if len(text) != 13 or not text.isascii() or not text.isdigit():
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text)) % 10 == 0


def compile_visit(avro_type: Any, visit_text: TextMap, tag: Tag | None) -> Visit:
    """A function that returns a value of ``avro_type`` with ``visit_text`` applied to each personal text in it.

    ``tag`` is what the enclosing field says; references to named types are resolved already. Records and maps are
    changed in place; bytes that are not decimals become empty, since nothing can be said about their contents. A value
    of a type that holds itself is refused with a DataError.
    """
    if type_name(avro_type) == "string":
        return visit_text
    options = branches(avro_type)
    visits = [(_fields_of(branch), type_name(branch), _visit_branch(branch, visit_text, tag)) for branch in options]
    if len(visits) == 1:
        only = visits[0][2]
        return only if only is _same else lambda value: None if value is None else only(value)
    of_list = next((visit for _, name, visit in visits if name == "array"), None)

    def by_kind(value: Any) -> Any:
        if isinstance(value, str):
            return visit_text(value)
        if isinstance(value, list):
            return value if of_list is None else of_list(value)
        if isinstance(value, dict):
            exact = [visit for fields, _, visit in visits if fields == value.keys()]
            for visit in exact or [visit for _, name, visit in visits if name in ("record", "map")]:
                value = visit(value)
            return value
        return b"" if isinstance(value, bytes) else value

    return by_kind


def _same(value: Any) -> Any:
    return value


def _fields_of(branch: Any) -> set[str] | None:
    return {field["name"] for field in branch["fields"]} if type_name(branch) == "record" else None


def _visit_branch(branch: Any, visit_text: TextMap, tag: Tag | None) -> Visit:
    name = type_name(branch)
    if name == "array":
        visit = compile_visit(branch["items"], visit_text, tag)
        return _same if visit is _same else lambda value: [visit(item) for item in value]  # a vector has many numbers
    if name == "map":
        visit = compile_visit(branch["values"], visit_text, tag)
        return lambda value: {visit_text(key): visit(item) for key, item in value.items()}
    if name == "record":
        return _visit_record(branch, visit_text, tag)
    if name in ("enum", "boolean", "int", "long", "float", "double"):
        return _same
    if name == "string":
        return visit_text
    if name in ("bytes", "fixed"):
        return lambda value: b"" if isinstance(value, bytes) else value
    return lambda value: _of_unknown_type(value, name, visit_text)


def _of_unknown_type(value: Any, name: str, visit_text: TextMap) -> Any:
    if isinstance(value, (dict, list, bytes)):
        raise DataError("ScrubPII", f"the type {name} holds itself or is not known, so it cannot be followed")
    return visit_text(value) if isinstance(value, str) else value


def _visit_record(schema: dict[str, Any], visit_text: TextMap, tag: Tag | None) -> Visit:
    visits: list[tuple[str, Visit]] = []
    for field in schema["fields"]:
        found = tag_of(field, tag)
        if found in ("PII_DROP", "PII_ID"):  # a nested identifier has no place for its hash: it goes
            visits.append((field["name"], _gone))
        elif found == "PII_TEXT":
            visits.append((field["name"], compile_visit(field["type"], visit_text, "PII_TEXT")))
        elif found == "PUBLIC" and holds_text(field["type"]):
            visits.append(
                (field["name"], compile_visit(field["type"], _unless_closed(field, visit_text, set())[1], "PII_TEXT"))
            )

    def visit(value: dict[str, Any]) -> dict[str, Any]:
        for name, visit_field in visits:
            if name in value:
                value[name] = visit_field(value[name])
        return value

    return visit


def _gone(value: Any) -> Any:
    return "" if isinstance(value, str) else None
