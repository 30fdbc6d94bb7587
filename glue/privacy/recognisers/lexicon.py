"""One pass over the words of a text: which kinds they lead to, and where.

Words are compared as bytes, in lower case. Punctuation and digits of ASCII part them, and so do the danda, punctuation
of other scripts and emoji. Only where a word leads to a kind are places of words computed.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.span import EXCESS, MOST_PLACES, Places, Span, TextKind

_PARTED = bytes(
    byte if byte > 127 else ord(chr(byte).lower()) if chr(byte).isalpha() else ord(" ") for byte in range(256)
)
_DANDA = "।"
_WIDE = re.compile("[\u2000-\U0010ffff]")  # punctuation and emoji; of letters only such as no word of a kind has

_TWO_SCRIPTS = re.compile(rb"[a-z][\x80-\xff]|[\x80-\xff][a-z]").search  # an ending in Bengali: it may be any word


class Lexicon:
    """The words of some kinds."""

    def __init__(self, kinds: tuple[TextKind, ...]) -> None:
        self._kinds = tuple(kind for kind in kinds if kind.words)
        self._leads: dict[bytes, list[tuple[int, bool]]] = {}  # of a word: its kinds, and whether only beside another
        for place, kind in enumerate(self._kinds):
            for word in kind.words | kind.beside:
                self._leads.setdefault(word.encode(), []).append((place, word not in kind.words))
        self._pairs = tuple(_encoded(kind.pairs) for kind in self._kinds)
        self._after = tuple(_encoded(kind.after) for kind in self._kinds)
        self._before = tuple(_encoded(kind.before) for kind in self._kinds)

    def find(self, text: str, wide: bool) -> list[Span]:
        """What the kinds find at their words.

        Args:
            wide: whether the text may have other characters from U+2000 on than usual punctuation and emoji.
        """
        data = text.encode("utf-8", "surrogatepass")
        if wide or b"\xe2" in data or b"\xf0" in data:
            data = _WIDE.sub(" ", text).encode()
        if _DANDA in text:
            data = data.replace(_DANDA.encode(), b" ")
        parted = data.translate(_PARTED)
        words = parted.split()
        leading = self._by_kind(words)
        if not leading:
            return []
        spans: list[Span] = []
        starts = _starts(
            data, b" %b " % parted, words, sorted({i for each in leading.values() for i in each[: MOST_PLACES + 1]})
        )
        for place, indices in leading.items():
            pairs = self._pairs[place]
            if pairs and words[indices[0]] in pairs and len({words[index] for index in indices}) == 1:
                continue
            unread = []
            if len(indices) > MOST_PLACES:
                unread = [Span(starts[indices[MOST_PLACES]], len(text), EXCESS)]
            spans += self._kinds[place].find(text, Places([starts[index] for index in indices[:MOST_PLACES]], unread))
        return spans

    def _by_kind(self, words: list[bytes]) -> dict[int, list[int]]:
        """The indices of the words that lead to each kind."""
        found: dict[int, list[int]] = {}
        leads, last = self._leads, len(words) - 1
        for index in [index for index, word in enumerate(words) if word in leads]:
            for place, only_beside in leads[words[index]]:
                if (
                    not only_beside
                    or (index < last and (words[index + 1] in self._before[place] or _TWO_SCRIPTS(words[index + 1])))
                    or (index and words[index - 1] in self._after[place])
                ):
                    found.setdefault(place, []).append(index)
        return found


def _starts(data: bytes, padded: bytes, words: list[bytes], indices: list[int]) -> dict[int, int]:
    """Where the words at these indices begin in the text.

    Args:
        data: the text in UTF-8.
        padded: the same, parted by blanks, with one before and one behind it.
    """
    starts: dict[int, int] = {}
    after = begin = at = place = 0  # behind the last word that was found: index, bytes; before it: bytes, characters
    for index in indices:
        word = words[index]
        for _ in range(words[after:index].count(word) + 1):
            found = padded.index(b" %b " % word, begin)
            begin = found + 1
        place += len(data[at:found].decode("utf-8", "surrogatepass"))
        starts[index] = place
        after, at = index + 1, found
    return starts


def _encoded(words: frozenset[str]) -> frozenset[bytes]:
    return frozenset(word.encode() for word in words)
