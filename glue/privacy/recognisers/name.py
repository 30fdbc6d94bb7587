"""Names of persons in Bengali, Banglish and English: by a list of names and by the words around them.

A name is taken where two names of the list stand side by side, where one follows ``ami``, ``আমি``, ``Md.``, ``মোঃ`` and
the like or stands before a word of kinship (``Rahim bhai``: the kinship stays), and whatever follows ``name:``, ``নাম``
or ``my name is``. A lone name of the list is left: many are words, or places.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

from glue.privacy.recognisers.span import Places, Span, TextKind, spellings, words_of


def _listed() -> frozenset[str]:
    return spellings(word for line in _lines("names.txt") for word in line.split())


def _lines(file: str) -> list[str]:
    text = files("glue.privacy.recognisers").joinpath(file).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _sections() -> dict[str, frozenset[str]]:
    """The words of each section of ``name_words.txt``."""
    sections: dict[str, list[str]] = {}
    words: list[str] = []
    for line in _lines("name_words.txt"):
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), [])
        else:
            words += line.split()
    return {name: spellings(words) for name, words in sections.items()}


_LISTED = _listed()
_WORDS = _sections()
_AMBIGUOUS, _FAMILY, _NOT_GIVEN = _WORDS["ambiguous"], _WORDS["family"], _WORDS["not given"]
_I_AM, _KIN, _NO_NAME, _NO_PERSON = _WORDS["i am"], _WORDS["kin"], _WORDS["no name"], _WORDS["no person"]
_NO_KIN, _INITIAL = _WORDS["no kin"], _WORDS["initial"]
_TITLES = _WORDS["title"] | frozenset(word + dot for word in _WORDS["title"] for dot in ".:ঃ" if word[-1] not in ".:ঃ")
_MOST_WORDS = 4
_ENDINGS = ("", "ের", "কে", "রে", "র", "েরা", "রা")
_FORMS = {name: name for name in _LISTED} | {
    name + end: name for name in _LISTED for end in (("", "'s", "’s") if name.isascii() else _ENDINGS)
}
_WORD = r"[A-Za-z]+(?:['’][A-Za-z]+)?\.?|[\u0980-\u09ff\u200c\u200d]+:?"
_TOKEN = re.compile(rf"({_WORD})")
_NEXT_WORD = re.compile(rf"[ \t]{{1,2}}({_WORD})")
_INITIALS = re.compile(r"(?<![A-Za-z])((?:[A-Z][a-z]{2,15} )?(?:[A-Z]\.? ?){1,3}[A-Z]?\.?)(?<=[A-Z.]) \Z")
_WHOLE_WORD = re.compile(rf"({_WORD})\Z")
_LABEL = re.compile(
    r"(?:name|naam|nam|নামঃ?|নামটা)(?:[ \t]{0,2}[:=ঃ\-–][ \t]{0,2}|[ \t]{1,2}(?:is|holo|হলো|হল|হচ্ছে)?[ \t]{0,2})(?=\S)",
    re.IGNORECASE,
)
_THING = re.compile(rf"(?:{'|'.join(sorted(_WORDS['thing'], key=len, reverse=True))})[ _\-]?\Z", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:\+(?P<plus>)|(?=[A-Z]))(?P<name>[A-Z][A-Za-z'.:]{1,20}(?: [A-Z][A-Za-z'.]{0,20}){0,3})"
    r"(?(plus)(?![A-Za-z])|[ ,:]{1,3}(?=[\u0985-\u09b9]))"
)
_TAG = re.compile(
    r"#(?P<tag>(?:[A-Za-z]{2,16}|[\u0980-\u09e5]{2,16})(?:_[A-Za-z\u0980-\u09e5]{2,16}){1,3}(?:_?\d{1,8})?)(?!\w)"
)
_BEFORE = 28  # characters


class Token(NamedTuple):
    """A word: its place, its text, the same in lower case, and the name of the list that it is, if any."""

    start: int
    end: int
    text: str
    lower: str
    name: str


def _tokens(text: str, place: int) -> list[Token]:
    """The word at ``place`` and the names beside it, with one word before and one behind them, as far as only blanks
    part them."""
    tokens = _before(text, place)
    match = _TOKEN.match(text, place)
    while match is not None:
        tokens.append(_token(match))
        last = tokens[-1]
        if len(tokens) > _MOST_WORDS + 2 or not (last.name or last.lower in _TITLES or last.text in _INITIAL):
            break
        match = _NEXT_WORD.match(text, match.end())
    return tokens


def _before(text: str, place: int) -> list[Token]:
    initials = (
        _INITIALS.search(text, max(0, place - _BEFORE), place)
        if text[max(0, place - 2) : place].rstrip(" .")[-1:].isupper()
        else None
    )
    if initials is not None:
        return [_token(initials)]
    words = text[max(0, place - _BEFORE) : place].rsplit(maxsplit=1)
    start = text.rfind(words[-1], 0, place) if words and text[place - 1] in " \t" else place
    if start == place or "\n" in text[start:place]:
        return []
    match = _WHOLE_WORD.match(text, start, start + len(words[-1]))
    return [_token(match)] if match else []


def _token(match: re.Match[str]) -> Token:
    word = match.group(1)
    lower = word.lower()
    return Token(*match.span(1), word, lower, _listed_form(lower))


def _listed_form(word: str) -> str:
    """The name of the list that a word is, without its case ending; empty when it is none."""
    return _FORMS.get(word) or (_FORMS.get(word[:-1], "") if word[-1] in ".:" else "")


def _find(text: str, places: Places) -> list[Span]:
    spans = [span for place in places.starts if (span := _labelled(text, place)) is not None]
    last = 0
    for place in places.starts:
        if place >= last:
            tokens = _tokens(text, place)
            at = 0 if tokens[0].start == place else 1
            first, last = _run(tokens, at)
            if last > at:
                spans.append(Span(tokens[first].start, _without_dot(tokens[last - 1]), "NAME"))
            last = tokens[last - 1].end if last > at else 0
    return spans + places.unread


def _run(tokens: list[Token], at: int) -> tuple[int, int]:
    """(first, after the last) token of a name that begins at ``at``, or (at, at)."""
    if tokens[at].lower in _TITLES:
        if at + 1 < len(tokens) and _could_be_name(tokens[at + 1]):
            return at, _extend(tokens, at + 2)
        return at, at
    end = _extend(tokens, at + 1)
    name = tokens[at].name
    if name in _FAMILY and at and _could_be_given(tokens[at - 1], tokens[at]):
        return at - 1, end
    if end - at > 1 and not all(token.name in _AMBIGUOUS for token in tokens[at:end]):
        return at, end
    if not name:
        return at, at
    if end < len(tokens) and tokens[end].lower in _KIN and name not in _NO_KIN:
        return at, end
    if name in _AMBIGUOUS:
        return at, at
    if at and tokens[at - 1].lower in _I_AM:
        return at, end
    return at, at


def _could_be_name(token: Token) -> bool:
    first = token.text[0]
    return bool(token.name) or (len(token.text) > 2 and (first.isupper() or first > "\u0980"))


def _could_be_given(before: Token, family: Token) -> bool:
    """Whether an unlisted word before a family name is the given name."""
    if before.lower in _NOT_GIVEN or before.lower in _KIN or len(before.text) < 3:
        return False
    if before.text.isascii():
        return before.text[0].isupper() and family.text[0].isupper()
    return family.text[0] > "\u0980"


def _extend(tokens: list[Token], end: int) -> int:
    first = end
    while end < len(tokens) and end - first < _MOST_WORDS:
        is_initial = tokens[end].text in _INITIAL and any(token.name for token in tokens[end + 1 : end + 2])
        if not tokens[end].name and not is_initial:
            break
        end += 1
    return end


def _without_dot(token: Token) -> int:
    return token.end - (token.text[-1] in ".:")


def _find_tags(text: str, places: Places) -> list[Span]:
    """``#rahim_uddin_1990``: a tag of two names of the list, which is somebody's and no topic."""
    spans = []
    for place in places.starts:
        tag = _TAG.match(text, place)
        names = [_listed_form(word.lower()) for word in re.split(r"[_\d]+", tag["tag"]) if word] if tag else []
        if tag and len(names) > 1 and all(names) and not all(name in _AMBIGUOUS for name in names):
            spans.append(Span(*tag.span(), "HANDLE"))
    return spans + places.unread


def _labelled(text: str, place: int) -> Span | None:
    """What follows ``name:`` and the like."""
    label = _LABEL.match(text, place)
    if label is None or _THING.search(text, max(0, place - 16), place):
        return None
    end, count, sure = label.end(), 0, any(char in ":=ঃ" for char in label.group())
    for match in _TOKEN.finditer(text, label.end(), label.end() + 80):
        word = match.group().rstrip(".:")
        if text[end : match.start()].strip(" \t.") or word.lower() in _NO_NAME or count == _MOST_WORDS:
            break
        if not (sure or _listed_form(word.lower()) or word[0].isupper()):
            break
        end, count = match.start() + len(word), count + 1
    return Span(label.end(), end, "NAME") if count else None


def opening(text: str) -> list[Span]:
    """Whom a comment answers: a platform puts the name first, in Latin letters, and Bengali follows; or with a plus."""
    match = _OPENING.match(text)
    if (
        match is None
        or (match["plus"] is None and " " not in match["name"])
        or not _NO_PERSON.isdisjoint(match["name"].lower().replace(".", " ").split())
    ):
        return []
    return [Span(*match.span("name"), "NAME")]


_LABELS = words_of("name naam nam নাম নামটা")
_LEADING = _FAMILY | _LABELS | frozenset(word.rstrip(".:ঃ") for word in _TITLES)
NAME = TextKind(
    "NAME",
    _find,
    words=_LEADING | _LISTED,
    pairs=_LISTED - _LEADING,
    beside=frozenset(_FORMS) | _KIN | _I_AM | frozenset(word for word in _INITIAL if len(word) > 1),
)
TAG = TextKind("HANDLE", _find_tags, "#")
