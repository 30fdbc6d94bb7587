"""A first look at a text: whether it could hold personal data of any kind.

All that leads to a kind is one set of expressions of RE2, which compiles to one automaton: each byte is looked at once,
whatever the text is. Most texts hold nothing and end here; the others are searched for what has led to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from glue.privacy.recognisers.fold import PLAIN, fold
from glue.privacy.recognisers.span import LONGEST, TextKind

try:
    from glue.avro_native import utf8
except ImportError:  # installed where no compiler was

    def utf8(text: str) -> bytes:
        return text.encode()


try:
    import re2
except ImportError:  # no wheel for this platform: every text is searched, with the same finds
    re2 = None

_MEMORY = 1 << 28  # bytes, at most, of states that texts have led to; some 20 MB are in use after many
_KNOWN = 4096  # sets of expressions
FOLDS = "folds"  # a part of the search: characters that have to be folded
_NOTHING = frozenset[str]()
_FOLDS = f"[^\x00-\x7f{PLAIN}০-৯]"  # what may have to be folded
PARTS = "[^A-Za-z\x80-\u0963\u0965-\u09e5\u09f0-\u1fff]"  # parts words, before digits are folded
BEGINS = f"(?:^|{PARTS})"


class Gate:
    """Expressions of which one occurs in every text that holds personal data, and what each of them leads to."""

    def __init__(self, expressions: Mapping[str, Iterable[str]], memory: int = _MEMORY) -> None:
        """``expressions``: each with the parts of the search that it leads to."""
        self._match: Callable[[bytes], list[int] | None] = lambda _text: None
        self._parts = (frozenset[str](), frozenset((FOLDS,)), *map(frozenset, expressions.values()))
        self._known: dict[tuple[int, ...], frozenset[str]] = {}
        if re2 is None:
            return
        options = re2.Options()
        options.max_mem, options.never_capture = memory, True
        expressions_of = re2.Set.SearchSet(options)
        for expression in (r"\z", _FOLDS, *expressions):
            expressions_of.Add(expression)
        expressions_of.Compile()
        self._match = expressions_of.Match

    def look(self, text: str) -> frozenset[str] | None:
        """The parts of the search that could find something, none where no kind can; None stands for all of them."""
        try:
            found = self._match(utf8(text))
            if found == [0]:  # the end of the text
                return _NOTHING
            if found is None:  # RE2 lacks memory
                return None
            if 1 not in found:
                return self._of(found)
            folded = self._match(fold(text).text.encode())
        except UnicodeEncodeError:  # no text of a person
            return None
        if folded is None or len(text) > LONGEST:
            return None
        return _NOTHING if max(found) == 1 and max(folded) <= 1 else self._of([*found, *folded])

    def _of(self, found: list[int]) -> frozenset[str]:
        """What these expressions lead to."""
        key = tuple(found)
        parts = self._known.get(key)
        if parts is None:
            parts = frozenset[str]().union(*(self._parts[each] for each in found))
            if len(self._known) < _KNOWN:
                self._known[key] = parts
        return parts


def any_of(words: Iterable[str]) -> str:
    """One of these words."""
    return f"(?:{'|'.join(map(re.escape, sorted(words)))})"


def leads(kinds: Iterable[TextKind], words: str) -> dict[str, set[str]]:
    """Expressions, with the marks that each leads to, and ``words`` where it leads to words: for each kind its own, or
    one for the words of all others and one for their marks; for ``pairs``, two of them."""
    found: dict[str, set[str]] = {}
    listed, marks = set[str](), set[str]()
    for kind in kinds:
        parts = {*kind.marks, words} if kind.words else set(kind.marks)
        for expression in kind.leads:
            found[expression] = parts
        if not kind.leads:
            listed |= kind.words - kind.pairs
            marks |= set(kind.marks)
        if kind.pairs:
            pair = any_of(kind.pairs)
            found[f"(?is){BEGINS}{pair}{PARTS}(?:.*{PARTS})?{pair}(?:{PARTS}|$)"] = parts
    return found | {f"(?i){BEGINS}{any_of(listed)}(?:{PARTS}|$)": {words}, any_of(marks): marks}
