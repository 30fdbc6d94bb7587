"""Pseudonyms in a text: what scrubbing puts for a handle or for a link to a profile, ``[HANDLE:k1:4f…]``."""

from __future__ import annotations

import re

PSEUDONYM = r"(?:HANDLE|PROFILE):[^:\s\[\]]{1,64}:[0-9a-f]{64}"
_PSEUDONYM = re.compile(PSEUDONYM)


def without_pseudonyms(text: str) -> str:
    """Each reduced to its kind, ``[HANDLE]``: for what looks at the words, and not at who is meant."""
    return _PSEUDONYM.sub(lambda match: match.group().partition(":")[0], text) if ":" in text else text
