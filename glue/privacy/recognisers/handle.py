"""Handles and links that lead to a person: ``@name``, profiles, and chats that begin with one click."""

from __future__ import annotations

import re
from urllib.parse import unquote

from glue.privacy.recognisers.fold import fold
from glue.privacy.recognisers.gate import any_of
from glue.privacy.recognisers.span import Places, Span, TextKind, spans_of, words_of

_HANDLE = re.compile(r"@(?<![\w.@/]@)(?!\d+(?:[.,/]|tk|taka|\b))\w(?:[\w.\-]{0,48}\w)?", re.IGNORECASE)
_NO_PERSON = (  # first parts of a path that lead to a post, a group, a shop's page of the platform itself
    r"(?:groups?|watch|reels?|share|sharer|events?|marketplace|gaming|hashtag|search|pages|photo|photos|story|stories|"
    r"videos?|plugins|help|policies|login|p|tv|explore|shorts|channel|playlist|embed|tag|discover|music|intent|jobs|company"
    r"|(?:photo|video|permalink|story|home|index|sharer|login|watch)\.php)"
)
_END = r"(?=[/?#&\s.,;:!)\]}\"'<>।]|\Z)"
_HOST_ENDS = (".com", ".me", ".net", ".im", ".am", "viber:/")
_BEFORE_PATH = re.compile(
    r"(?<![\w.@\-])(?:https?:/{2})?(?:[a-z\-]{1,9}\.){0,2}?"
    r"(?P<site>facebook ?\. ?com|fb ?\. ?com|fb\.me|m\.me|messenger\.com|wa\.me|whatsapp\.com|t\.me|telegram\.me"
    r"|instagram\.com|instagr\.am|threads\.(?:com|net)|tiktok\.com|twitter\.com|x\.com|linkedin\.com|youtube\.com|snapchat\.com|imo\.im"
    r"|viber\.com|viber:/)\Z",
    re.IGNORECASE,
)
_NAME = r"[\w.\-]{2,80}"
_PATHS = {
    "facebook.com": rf" ?groups/[\w.\-]{{1,60}}/user/(\d+)"
    rf"|profile\.php\?(?:[\w=&%\-]{{0,40}}&)?id=(\d+)|people/[^\s/]{{1,80}}/(\d+)"
    rf"|(?!{_NO_PERSON}{_END})({_NAME})| (?=\w{{1,30}}[.\d])({_NAME})",
    "messenger.com": rf"t/({_NAME})",
    "whatsapp.com": r"(?:[^\s<>\"']{0,40}?phone=)?([\w+%.\-]{2,80})",
    "viber:/": r"(?:[^\s<>\"']{0,40}?number=)?([\w+%.\-]{2,80})",
    "instagram.com": rf"(?!{_NO_PERSON}{_END})@?([\w.]{{2,40}})",
    "tiktok.com": r"@([\w.\-]{2,60})",
    "x.com": rf"(?!{_NO_PERSON}{_END})@?(\w{{2,20}})",
    "linkedin.com": r"in/([^\s/?#]{2,80})",
    "youtube.com": r"(?:@|user/|c/|channel/)([^\s/?#]{2,80})",
    "snapchat.com": rf"add/({_NAME})",
}
_ALIASES = {
    "fb.com": "facebook.com", "instagr.am": "instagram.com", "twitter.com": "x.com",
    "threads.com": "instagram.com", "threads.net": "instagram.com",
}  # fmt: skip
_PATH = {site: re.compile(path, re.IGNORECASE) for site, path in _PATHS.items()}
_ANY_PATH = re.compile(r"@?\+?([\w.\-]{2,80})")
_REST = re.compile(r"(?:[/?#&](?:[^\s<>\"']{0,120}[^\s<>\"'.,;:!?)।])?)?")
_WINDOW = 60
_PHP = re.compile(r"profile\.php\?(?:[\w=&%\-]{0,40}&)?id=(\d{5,20})")
_NAMED = re.compile(  # insta: made_up, telegram id made.up9
    r"[a-z]{2,9}(?:[ _](?:id|handle|user ?name|account|acc|name))?(?:\s?[:=\-]\s?|\s(?<=(?:id|le|me|nt|cc)\s))@?"
    r"(?:live:)?(?P<name>(?=[A-Za-z.]{0,30}[\d_.][\w.]*\w)[A-Za-z][\w.]{2,40}\w)(?![\w@]|\.\w|/)",
    re.IGNORECASE,
)


def _find_links(text: str, places: Places) -> list[Span]:
    spans = [span for slash in places.starts if (span := _link(text, slash)) is not None]
    return spans + places.unread


def _link(text: str, slash: int) -> Span | None:
    if not text[max(0, slash - 7) : slash].lower().endswith(_HOST_ENDS):
        return None
    host = _BEFORE_PATH.search(text, max(0, slash - _WINDOW), slash)
    if host is None:
        return None
    path = _path(host["site"]).match(text, slash + 1)
    if path is None:
        return None
    rest = _REST.match(text, path.end())
    end = rest.end() if rest else path.end()
    while text[end - 1] in ".-":  # the end of a sentence
        end -= 1
    return Span(host.start(), end, "PROFILE")


def _path(site: str) -> re.Pattern[str]:
    site = site.lower().replace(" ", "")
    return _PATH.get(_ALIASES.get(site, site), _ANY_PATH)


def _find_php(text: str, places: Places) -> list[Span]:
    """``profile.php?id=…`` without its host."""
    return [
        Span(*match.span(), "PROFILE")
        for place in places.starts
        if (match := _PHP.match(text, max(0, place - len("profile."))))
    ]


def named_by(found: str) -> str:
    """The handle, the number or the id in a handle or a link, as the field of an author would have it."""
    found = fold(found).text
    for slash in (at for at, char in enumerate(found) if char == "/"):
        host = _BEFORE_PATH.search(found, 0, slash)
        path = host and _path(host["site"]).match(found, slash + 1)
        if path:
            return unquote(next(group for group in path.groups() if group)).rstrip(".-")
    php = _PHP.match(found)
    return php.group(1) if php else found.rpartition("@")[2].removeprefix("#")


HANDLE = TextKind("HANDLE", spans_of(_HANDLE, "HANDLE"), "@")
HANDLE_IN_WORDS = TextKind(
    "HANDLE",
    spans_of(_NAMED, "HANDLE", "name"),
    words=words_of(
        "insta instagram ig telegram tiktok snapchat snap twitter skype imo fb facebook messenger discord viber"
    ),
)
PROFILE = TextKind("PROFILE", _find_links, "/", leads=(f"(?i){any_of(_HOST_ENDS)}/",))
PROFILE_ID = TextKind("PROFILE", _find_php, words=frozenset({"php"}))
