"""Names of persons in Bengali, Banglish and English: by a list of names and by the words around them.

A name is taken where two names of the list stand side by side, where one follows ``ami``, ``আমি``, ``Md.``, ``মোঃ`` and
the like or stands before a word of kinship (``Rahim bhai``: the kinship stays), and whatever follows ``name:``, ``নাম``
or ``my name is``. A lone name of the list is left: many are words, or places.
"""

from __future__ import annotations

import re
from importlib.resources import files

from glue.privacy.recognisers.span import EXCESS, MOST_FINDS, Span, TextKind, words_of


def _listed() -> frozenset[str]:
    text = files("glue.privacy.recognisers").joinpath("names.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


_LISTED = _listed()
# Everyday words too: they count only beside another name or a word of context.
_AMBIGUOUS = words_of(
    "sen das pal paul dey mia ali khan reza musa bina gita lipi lopa rita ritu manik islam sarkar kabir salam "
    "bikash uttam bijoy azad zaman "
    "দাস পাল সেন বিকাশ খান রায় আলম ইসলাম বিশ্বাস মানিক সরকার উত্তম চন্দন রতন অরুণ গোপাল রেখা সালাম সুমন আজাদ জামান"
)
# Family names that seldom stand alone: the word before one is the given name, listed or not.
_AFTER_ANY = words_of(
    "uddin rahman hossain hosen hossen ahmed ahamed akter akhter aktar khatun chowdhury choudhury hasan karim alam "
    "talukder mondal majumder উদ্দিন উদ্দীন রহমান হোসেন হোসাইন আহমেদ আহমদ আক্তার আখতার খাতুন চৌধুরী চৌধুরি"
)
_NOT_GIVEN = words_of(
    "dear hello hi hey thanks thank order sir mr the প্রিয় প্রিয় জনাব ধন্যবাদ আমার আপনার তার এই সেই হযরত ও এবং আর বলেন বলছি "
    "ছবি কবি লেখক নেতা মন্ত্রী বেগম ডাক্তার মাওলানা হুজুর"
)
_TITLES = words_of(
    "md md. mohd mohammad mohammed mr mr. mrs mrs. ms ms. miss dr dr. engr advocate hazi haji "
    "হাজী মোঃ মো: মোছাঃ মোসাঃ মিস্টার মিসেস ডা. ডাঃ ড. জনাব জনাবা মুহা"
)
_I_AM = words_of("ami amr আমি im i'm")
_KIN = words_of(
    "bhai vai bhaiya vaiya vaia bhaia apu apa api bon vabi bhabi dada didi uncle aunty anty sir madam mam "
    "ভাই ভাইয়া ভাইয়া ভাইয়ের আপু আপা আপি বোন ভাবি ভাবী দাদা দিদি স্যার ম্যাডাম আংকেল আন্টি সাহেব"
)
_NOT_A_NAME = words_of(
    "ki কি কী what কেন keno the a an of is are this that product brand shop page er এর holo হলো din দিন জানি ai ei ta টা "
    "and or ও এবং number নম্বর নাম্বার phone mobile address ঠিকানা please pls bolen বলেন likhe লিখে diye দিয়ে দিয়ে soho সহ"
)
_MOST_WORDS = 4
_ENDINGS = ("", "ের", "কে", "রে", "র", "েরা", "রা")
_FORMS = {name: name for name in _LISTED} | {
    name + end: name for name in _LISTED for end in (("", "'s", "’s") if name.isascii() else _ENDINGS)
}
_TOKEN = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?\.?|[\u0980-\u09ff\u200c\u200d]+:?")
_LABEL = re.compile(
    r"(?:(?<![A-Za-z\u0980-\u09ff])(?:my |amar |আমার |full |customer |receiver |nick )?(?:name|naam|nam)"
    r"|(?:আমার |পুরো |গ্রাহকের |প্রাপকের )?নাম)"
    r"(?:[ \t]{0,2}[:=ঃ\-–][ \t]{0,2}|[ \t]{1,2}(?:is|holo|হলো|হল|হচ্ছে)?[ \t]{0,2})(?=\S)",
    re.IGNORECASE,
)
_THING = re.compile(
    r"(?:product|item|brand|shop|store|page|file|company|user|group|book|channel|album|song|model|domain|er|এর|পণ্যের|প্রোডাক্টের|"
    r"দোকানের|পেজের|পেইজের|গ্রুপের|বইয়ের|ব্র্যান্ডের|কোম্পানির|নাটকের|গানের)[ _\-]?\Z",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[ \t]{1,2}\Z")


def _listed_form(word: str) -> str:
    """The name of the list that a word is, without its case ending; empty when it is none."""
    low = word.lower()
    return _FORMS.get(low) or (_FORMS.get(low.rstrip(".:"), "") if low[-1] in ".:" else "")


def _find(text: str) -> list[Span]:
    spans = _labelled(text)
    tokens = list(_TOKEN.finditer(text, 0, spans[-1].start if spans and spans[-1].entity == EXCESS else len(text)))
    listed = [_listed_form(token.group()) for token in tokens]
    at = 0
    while at < len(tokens):
        if len(spans) >= MOST_FINDS:
            return [*spans, Span(tokens[at].start(), len(text), EXCESS)]
        start, end = _run(text, tokens, listed, at)
        if end > at:
            spans.append(Span(tokens[start].start(), _without_dot(tokens[end - 1]), "NAME"))
            at = end
        else:
            at += 1
    return spans


def _run(text: str, tokens: list[re.Match[str]], listed: list[str], at: int) -> tuple[int, int]:
    """(first, after the last) token of a name that begins at ``at``, or (at, at)."""
    word = tokens[at].group().lower()
    if word in _TITLES or word.rstrip(".:") in _TITLES:
        first = at + 1
        if (
            first < len(tokens)
            and _beside(text, tokens, first)
            and _could_be_name(tokens[first].group(), listed[first])
        ):
            return at, _extend(text, tokens, listed, first + 1)
        return at, at
    if not listed[at]:
        return at, at
    end = _extend(text, tokens, listed, at + 1)
    names = listed[at:end]
    if at and names[0] in _AFTER_ANY and _beside(text, tokens, at) and _could_be_given(tokens[at - 1], tokens[at]):
        return at - 1, end
    if end - at > 1 and not all(name in _AMBIGUOUS for name in names):
        return at, end
    if (
        end < len(tokens)
        and tokens[end].group().lower() in _KIN
        and _beside(text, tokens, end)
        and names[0] not in _AMBIGUOUS
    ):
        return at, end
    if at and tokens[at - 1].group().lower() in _I_AM and _beside(text, tokens, at) and names[0] not in _AMBIGUOUS:
        return at, end
    return at, at


def _could_be_name(word: str, listed: str) -> bool:
    return bool(listed) or (word[0].isupper() and len(word) > 2) or (word[0] > "\u0980" and len(word) > 2)


def _could_be_given(before: re.Match[str], family: re.Match[str]) -> bool:
    """Whether an unlisted word before a family name is the given name."""
    word = before.group()
    if word.lower() in _NOT_GIVEN or word.lower() in _KIN or len(word) < 3:
        return False
    return (word[0].isupper() and family.group()[0].isupper()) if word.isascii() else family.group()[0] > "\u0980"


def _extend(text: str, tokens: list[re.Match[str]], listed: list[str], end: int) -> int:
    first = end
    while end < len(tokens) and end - first < _MOST_WORDS and listed[end] and _beside(text, tokens, end):
        end += 1
    return end


def _beside(text: str, tokens: list[re.Match[str]], at: int) -> bool:
    return _BETWEEN.match(text[tokens[at - 1].end() : tokens[at].start()]) is not None


def _without_dot(token: re.Match[str]) -> int:
    return token.end() - (token.group()[-1] in ".:")


def _labelled(text: str) -> list[Span]:
    spans: list[Span] = []
    if "na" not in text.lower() and "নাম" not in text:
        return spans
    for match in _LABEL.finditer(text):
        if len(spans) >= MOST_FINDS:
            return [*spans, Span(match.start(), len(text), EXCESS)]
        if _THING.search(text, max(0, match.start() - 16), match.start()):
            continue
        end, count, known = match.end(), 0, any(char in ":=ঃ" for char in match.group())
        for token in _TOKEN.finditer(text, match.end(), match.end() + 80):
            word = token.group()
            if (
                text[end : token.start()].strip(" \t.")
                or word.lower().rstrip(".:") in _NOT_A_NAME
                or count == _MOST_WORDS
            ):
                break
            if not (known or _listed_form(word) or word[0].isupper()):
                break
            end, count = _without_dot(token), count + 1
        if count:
            start = match.end()
            spans.append(Span(start, end, "NAME"))
    return spans


NAME = TextKind(
    "NAME",
    _find,
    words=_AFTER_ANY | {word.rstrip(".:") for word in _TITLES} | words_of("name naam nam নাম মোঃ মো ডা ড"),
    pairs=frozenset(_FORMS) | _KIN | _I_AM,
)
