"""Handles and links that lead to a person: ``@name``, profiles, and chats that begin with one click."""

from __future__ import annotations

import re

from glue.privacy.recognisers.span import TextKind, spans_of

_HANDLE = re.compile(r"(?<![\w.@/])@(?!\d+(?:[.,/]|tk|taka|\b))[\w](?:[\w.]{0,28}\w)?", re.IGNORECASE)
_NO_PERSON = (  # first parts of a path that lead to a post, a group, a shop's page of the platform itself
    r"(?:groups?|watch|reels?|share|sharer|events?|marketplace|gaming|hashtag|search|pages|photo|photos|story|stories|"
    r"videos?|plugins|help|policies|login|p|tv|explore|shorts|channel|playlist|embed|tag|discover|music|intent|jobs|company)"
)
_END = r"(?=[/?#&\s.,;:!)\]}\"'<>।]|\Z)"
_SITE = r"(?:https?:/{2})?(?:(?:www|m|web|bn-in|mbasic|touch|l|vm|mobile)\.)?"
_PROFILE = re.compile(
    rf"(?<![\w.]){_SITE}(?:"
    rf"(?:facebook|fb)\.com/(?:profile\.php\?(?:[\w=&%\-]{{0,40}}&)?id=\d+|people/[^\s/]{{1,80}}/\d+|(?!{_NO_PERSON}{_END})[\w.\-]{{2,60}})"
    rf"|fb\.me/[\w.\-]{{2,60}}|m\.me/[\w.\-]{{2,60}}|wa\.me/[\w+/.\-]{{2,60}}"
    rf"|(?:api\.|chat\.)?whatsapp\.com/[\w?=&+%/.\-]{{2,80}}|(?:t|telegram)\.me/[\w+/.\-]{{2,60}}"
    rf"|(?:instagram|threads)\.(?:com|net)/(?!{_NO_PERSON}{_END})@?[\w.]{{2,40}}"
    rf"|tiktok\.com/@[\w.]{{2,40}}|(?:twitter|x)\.com/(?!{_NO_PERSON}{_END})@?\w{{2,20}}"
    rf"|linkedin\.com/in/[^\s/?#]{{2,80}}|youtube\.com/(?:@|user/|c/)[^\s/?#]{{2,60}}"
    rf"|(?:imo\.im|viber\.com|viber:/{{2}}\w+)/[^\s]{{2,60}}"
    rf")(?:[/?#](?:[^\s<>\"']{{0,120}}[^\s<>\"'.,;:!?)])?)?",
    re.IGNORECASE,
)

HANDLE = TextKind("HANDLE", spans_of(_HANDLE, "HANDLE"), "@")
PROFILE = TextKind("PROFILE", spans_of(_PROFILE, "PROFILE"), "/")
