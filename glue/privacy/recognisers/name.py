"""Names of persons in Bengali, Banglish and English: by a list of names and by the words around them.

A name is taken where two names of the list stand side by side, where one follows ``ami``, ``আমি``, ``Md.``, ``মোঃ`` and
the like or stands before a word of kinship (``Rahim bhai``: the kinship stays), and whatever follows ``name:``, ``নাম``
or ``my name is``. A lone name of the list is left: many are words, or places.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

from glue.privacy.recognisers.gate import BEGINS, PARTS, any_of
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
_ENDINGS = ("ের", "কে", "রে", "র", "েরা", "রা")
_FORMS = {name + end: name for name in _LISTED for end in (("'s", "’s") if name.isascii() else _ENDINGS)} | {
    name: name for name in _LISTED
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
_NAMED_FIRST = "[A-Z][A-Za-z'.:]{1,20}(?: [A-Z][A-Za-z'.]{0,20})"
_OPENING = re.compile(
    rf"(?:\+(?P<plus>)|(?=[A-Z]))(?P<name>{_NAMED_FIRST}{{0,3}})(?(plus)(?![A-Za-z])|[ ,:]{{1,3}}(?=[\u0985-\u09b9]))"
)
_NAME_PART = "[A-Za-z\u0980-\u09e5]{2,16}"
OPENS = (  # what such a text begins with, or is
    f"^(?:{_NAME_PART}_{_NAME_PART}[A-Za-z\u0980-\u09e5_0-9]*$"
    f"|\\+[A-Z]|{_NAMED_FIRST}{{1,3}}[ ,:]{{1,3}}[\u0985-\u09b9])"
)
_TAG = re.compile(
    r"#?(?P<tag>(?:[A-Za-z]{2,16}|[\u0980-\u09e5]{2,16})(?:_[A-Za-z\u0980-\u09e5]{2,16}){1,3}(?:_?\d{1,8})?)(?!\w)"
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
    """The word at ``place`` and the names behind it, with one word more, as far as only blanks part them."""
    tokens: list[Token] = []
    match = _TOKEN.match(text, place)
    while match is not None:
        tokens.append(_token(match))
        last = tokens[-1]
        if len(tokens) > _MOST_WORDS + 1 or not (last.name or last.lower in _TITLES or last.text in _INITIAL):
            break
        match = _NEXT_WORD.match(text, match.end())
    return tokens


def _before(text: str, place: int) -> Token | None:
    """The word before ``place``, or the initials."""
    initials = (
        _INITIALS.search(text, max(0, place - _BEFORE), place)
        if text[max(0, place - 2) : place].rstrip(" .")[-1:].isupper()
        else None
    )
    if initials is not None:
        return _token(initials)
    if not place or text[place - 1] not in " \t":
        return None
    words = text[max(0, place - _BEFORE) : place].rsplit(maxsplit=1)
    start = text.rfind(words[-1], 0, place) if words else place
    if start == place or "\n" in text[start:place]:
        return None
    match = _WHOLE_WORD.match(text, start, start + len(words[-1]))
    return _token(match) if match else None


def _token(match: re.Match[str]) -> Token:
    word = match[1]
    lower = word.lower()
    return Token(match.start(1), match.end(1), word, lower, _FORMS.get(lower) or _listed_form(lower))


def _listed_form(word: str) -> str:
    """The name of the list that a word is, without its case ending; empty when it is none."""
    return _FORMS.get(word) or (_FORMS.get(word[:-1], "") if word[-1] in ".:" else "")


def _find(text: str, places: Places) -> list[Span]:
    spans: list[Span] = []
    last = 0
    for place in places.starts:
        if place >= last and (span := _name(text, place)) is not None:
            spans.append(span)
            last = span.end
    return spans + places.unread


def _name(text: str, place: int) -> Span | None:
    """The name that the word at ``place`` leads to, or is the first of, or the second after the given name."""
    tokens = _tokens(text, place)
    first = tokens[0]
    if first.lower in _TITLES:
        if len(tokens) > 1 and _could_be_name(tokens[1]):
            return Span(place, _without_dot(tokens[_extend(tokens, 2) - 1]), "NAME")
        return None
    end = _extend(tokens, 1)
    if first.name in _FAMILY:
        before = _before(text, place)
        if before is not None and _could_be_given(before, first):
            return Span(before.start, _without_dot(tokens[end - 1]), "NAME")
    if end == 1 or all(token.name in _AMBIGUOUS for token in tokens[:end]):
        if not first.name:
            return None
        if end == len(tokens) or tokens[end].lower not in _KIN or first.name in _NO_KIN:
            before = None if first.name in _AMBIGUOUS else _before(text, place)
            if before is None or before.lower not in _I_AM:
                return None
    return Span(place, _without_dot(tokens[end - 1]), "NAME")


def _could_be_name(token: Token) -> bool:
    first = token.text[0]
    return bool(token.name) or (
        len(token.text) > 2 and token.lower not in _NO_NAME and (first.isupper() or first > "\u0980")
    )


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
        if tag and _names_person(tag["tag"]):
            spans.append(Span(*tag.span(), "HANDLE"))
    return spans + places.unread


def _names_person(tag: str) -> bool:
    names = [_listed_form(word.lower()) for word in re.split(r"[_\d]+", tag) if word]
    return len(names) > 1 and all(names) and not all(name in _AMBIGUOUS for name in names)


def _find_labelled(text: str, places: Places) -> list[Span]:
    spans = [span for place in places.starts if (span := _labelled(text, place)) is not None]
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


def opens(text: str) -> bool:
    """Whether :func:`opening` could find something, decided without a pattern."""
    return text[:1] == "+" or "_" in text[:17] or ("A" <= text[:1] <= "Z" and not text.isascii())


def opening(text: str) -> list[Span]:
    """Whom a comment answers: a platform puts the name first, in Latin letters, and Bengali follows; or with a plus.

    A text that is a tag as a whole, as lists of tags have them, without its ``#``, is one, too.
    """
    if (tag := _TAG.fullmatch(text)) is not None and _names_person(tag["tag"]):
        return [Span(0, len(text), "HANDLE")]
    match = _OPENING.match(text)
    if (
        match is None
        or (match["plus"] is None and " " not in match["name"])
        or not _NO_PERSON.isdisjoint(match["name"].lower().replace(".", " ").split())
    ):
        return []
    return [Span(*match.span("name"), "NAME")]


_LABELS = words_of("name naam nam নাম নামটা")
_LEADING = _FAMILY | frozenset(word.rstrip(end) for word in _TITLES for end in (".:", ".:ঃ"))
_BENGALI = "\u0980-\u09e5\u09f0-\u09ff"


def _words(names: frozenset[str], then: str) -> str:
    """For RE2: one of the names, whole or with a case ending, and what follows it in Latin letters or in Bengali."""
    latin, bengali = (any_of(name for name in names if name.isascii() is ascii) for ascii in (True, False))
    if then:
        return rf"(?:{latin}(?:['’][a-z]+)?\.?|{bengali}(?:{'|'.join(_ENDINGS)})?:?){then}"
    return f"(?:{latin}(?:[^a-z]|$)|{bengali}(?:{'|'.join(_ENDINGS)})?(?:[^{_BENGALI}]|$))"


def _name_leads() -> tuple[str, ...]:
    """For RE2: two names, of which one is nothing but a name; a name and a kinship; and what may make one of a word."""
    blank, names = "[ \t]{1,2}", _LISTED | _FAMILY
    alone, initial, some = names - _AMBIGUOUS, any_of(_INITIAL) + blank, f"(?:{_words(_AMBIGUOUS, blank)})*"
    capital = "|".join(f"{name[0].upper()}(?i:{name[1:]})" for name in sorted(_FAMILY) if name.isascii())
    bengali = any_of(name for name in _FAMILY if not name.isascii())
    title = any_of(word.rstrip(".:ঃ") for word in _TITLES)
    return (
        f"(?i){BEGINS}{_words(alone, blank)}(?:{initial})?{_words(names, '')}",
        f"(?i){BEGINS}{_words(_AMBIGUOUS, blank)}{some}(?:{initial}{_words(names, '')}|{_words(alone, '')})",
        f"(?i){BEGINS}{_words(names - _NO_KIN, blank)}{some}{_words(_KIN, '')}",
        f"(?i){BEGINS}{any_of(_I_AM | {'m'})}{PARTS}+{any_of(alone)}(?:{PARTS}|$)",
        f"(?i){BEGINS}{title}[.:ঃ]?{blank}(?:(?-i:[A-Z])|[{_BENGALI}]|{_words(names, '')})",
        rf"[A-Z][A-Za-z'’.]*[\x00- ]+(?:{capital})(?:{PARTS}|$)|[a-zA-Z.:{_BENGALI}][\x00- ]+{bengali}(?:{PARTS}|$)",
    )


_LABEL_BEGINS = (
    r"(?i)(?:name|naam|nam|নাম|নামটা)(?:[ \t]{0,2}[:=ঃ\-–]|[ \t]{1,2}(?:(?:is|holo|হলো|হল|হচ্ছে)[ \t]{0,2})?[ \t.]*"
    rf"(?:(?-i:[A-Z])|{_words(_LISTED, '')}))"
)
LABELLED_NAME = TextKind("NAME", _find_labelled, words=_LABELS, leads=(_LABEL_BEGINS,))
NAME = TextKind(
    "NAME",
    _find,
    words=_LEADING,
    beside=_LISTED - _LEADING,
    after=_I_AM | {"m"},  # of i'm
    before=frozenset(_FORMS) | _KIN | _INITIAL | {"s"},  # of karim's
    leads=_name_leads(),
)
TAG = TextKind("HANDLE", _find_tags, "#", leads=("#[A-Za-z\u0980-\u09e5]{2,16}_",))
