"""A first look at a text: whether it could hold personal data of any kind.

All that leads to a kind is one set of expressions of RE2, which compiles to one automaton: each byte is looked at once,
whatever the text is. Most texts hold nothing and end here; the others are searched kind by kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from glue.privacy.recognisers.fold import PLAIN, fold
from glue.privacy.recognisers.span import LONGEST, TextKind

try:
    import re2
except ImportError:  # no wheel for this platform: every text is searched, with the same finds
    re2 = None

_MEMORY = 1 << 28  # bytes, at most, of states that texts have led to; some 20 MB are in use after many
_FOLDS = f"[^\x00-\x7f{PLAIN}০-৯]"  # what may have to be folded
PARTS = "[^A-Za-z\x80-\u0963\u0965-\u09e5\u09f0-\u1fff]"  # parts words, before digits are folded
BEGINS = f"(?:^|{PARTS})"


class Gate:
    """Expressions of which one occurs in every text that holds personal data."""

    def __init__(self, expressions: Iterable[str], memory: int = _MEMORY) -> None:
        self._match: Callable[[bytes], list[int] | None] = lambda _text: None
        if re2 is None:
            return
        options = re2.Options()
        options.max_mem, options.never_capture = memory, True
        expressions_of = re2.Set.SearchSet(options)
        for expression in (r"\z", _FOLDS, *expressions):
            expressions_of.Add(expression)
        expressions_of.Compile()
        self._match = expressions_of.Match

    def may_hold(self, text: str) -> bool:
        """False where no kind can find anything."""
        try:
            found = self._match(text.encode())
        except UnicodeEncodeError:  # no text of a person
            return True
        if found == [0]:  # the end of the text
            return False
        if found is not None and len(found) == 2 and 1 in found and len(text) <= LONGEST:
            found = self._match(fold(text).text.encode())
            return found is None or any(each > 1 for each in found)
        return True  # also where RE2 lacks memory, which it tells by no match at all


def any_of(words: Iterable[str]) -> str:
    """One of these words."""
    return f"(?:{'|'.join(map(re.escape, sorted(words)))})"


def leads(kinds: Iterable[TextKind]) -> list[str]:
    """For each kind its own expressions, or one for its words and one for its marks; for ``pairs``, two of them."""
    found: list[str] = []
    words, marks = set[str](), set[str]()
    for kind in kinds:
        found += kind.leads
        if not kind.leads:
            words |= kind.words - kind.pairs
            marks |= set(kind.marks)
        if kind.pairs:
            pair = any_of(kind.pairs)
            found.append(f"(?is){BEGINS}{pair}{PARTS}(?:.*{PARTS})?{pair}(?:{PARTS}|$)")
    return [*found, f"(?i){BEGINS}{any_of(words)}(?:{PARTS}|$)", any_of(marks)]
