"""Pseudonyms in a text: what scrubbing puts for a handle or for a link to a profile, ``[HANDLE:k1:4f…]``.

Only a chain makes them. Whoever types the same is answered by the first scrubbing, at the way from raw to scrubbed: it
reduces what is typed to its kind, so that what a later one meets is a chain's.
"""

from __future__ import annotations

import re

PSEUDONYM = r"(?:HANDLE|PROFILE)(?::[\w.\-]{1,64}:[0-9a-f]{64})+"  # repeated, so that none is left of one in another
_PSEUDONYM = re.compile(PSEUDONYM, re.ASCII)


def without_pseudonyms(text: str) -> str:
    """Each reduced to its kind, ``[HANDLE]``: for what looks at the words, and for what nobody has made yet."""
    return _PSEUDONYM.sub(lambda match: match.group().partition(":")[0], text) if ":" in text else text
