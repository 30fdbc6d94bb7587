"""A first look at a text: whether it could hold personal data of any kind.

All that leads to a kind is one set of expressions of RE2, which compiles to one automaton: each byte is looked at once,
whatever the text is. Most texts hold nothing and end here; the others are searched kind by kind.
"""

from __future__ import annotations

from collections.abc import Callable

from glue.errors import ConfigError

try:
    import re2
except ImportError:  # no wheel for this platform: every text is searched, with the same finds
    re2 = None

_MEMORY = 1 << 28  # bytes, at most, of states that texts have led to; some 20 MB are in use after many


class Gate:
    """Expressions of which one occurs in every text that holds personal data.

    Raises:
        ConfigError: the set does not find what it is made of. RE2 has no match where it lacks memory, and that must not
            pass for a clean text.
    """

    def __init__(self, expressions: list[str], held: tuple[str, ...]) -> None:
        self._match: Callable[[bytes], list[int] | None] = lambda _text: [0]
        if re2 is None:
            return
        options = re2.Options()
        options.max_mem, options.never_capture = _MEMORY, True
        expressions_of = re2.Set.SearchSet(options)
        for expression in expressions:
            expressions_of.Add(expression)
        expressions_of.Compile()
        self._match = expressions_of.Match
        for text in held:
            if not self.may_hold(text):
                raise ConfigError(
                    "recognisers", f"the automaton does not find {text!r}", "give the process more memory"
                )

    def may_hold(self, text: str) -> bool:
        """False where no kind can find anything."""
        try:
            return self._match(text.encode()) is not None
        except UnicodeEncodeError:  # no text of a person
            return True
