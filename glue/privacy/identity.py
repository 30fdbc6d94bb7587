"""Who a value names: one spelling for each person before it is hashed, and nobody where it names nobody.

Shops mask what they do not share (``66******78``), and forms are filled with what passes (``N/A``, ``00000000000``,
``noreply@…``). Hashed, such a value would make one person of thousands, so it is not an identity.
"""

from __future__ import annotations

import re
from contextlib import suppress

from glue.privacy.keyring import Keyring
from glue.privacy.recognisers import find, named_by
from glue.privacy.recognisers.fold import fold
from glue.privacy.recognisers.span import words_of

_MOBILE_DIGITS = 10  # 1XXXXXXXXX, what all spellings of a Bangladeshi mobile have in common
_SHORTEST_PHONE = 7
_LIKE_DIGITS = "0123456789ol"  # digits, and the letters that are typed for them
_DIGITS = str.maketrans("oli|", "0111")
_AT = re.compile(r"[ \t]{0,2}(?:@|%40)[ \t]{0,2}(?=\S{1,255}\.\S)")
_MASK = re.compile(r"\*|[•●∙×]|\.{3}|…|(?<=\d)xx|xx(?=\d)|^x+$|#{2,}|\?{2,}")
_NOBODY = words_of(
    "n/a na n.a nil none null nan undefined unknown anonymous guest customer test tester dummy default empty blank no "
    "not-available notavailable nophone noemail noname no-email no-reply noreply donotreply do-not-reply ? false true "
    "admin user name phone email mail redacted hidden private masked deleted same tbd walkin "
    "নাই নেই নাম নম্বর ফোন অজানা"
) | {
    "not applicable",
    "same as above",
    "deleted user",
    "walk-in customer",
    "cash customer",
    "not available",
    "no phone",
    "no number",
    "no email",
    "no name",
    "not given",
    "not provided",
    "জানা নেই",
}
_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?e\+?\d+", re.IGNORECASE)
_MAIL = re.compile(r"(?<![^\s<>\"'()\[\],;:])(?:mailto:)?([^\s<>\"'()\[\],;:]+)@([^\s<>\"'()\[\],;:@]+)", re.IGNORECASE)
_DOTLESS = ("gmail.com", "googlemail.com")  # Google ignores dots before the @
_SHORTEST_NUMBER = 5  # digits of a handle that is a number: fewer are the beginning of a phone, or its place held
_SEQUENCE = "01234567890123456789"


def normalise(text: str) -> str | None:
    """The one spelling of a person, with its kind in front; None for a mask, a placeholder, or a number that a
    spreadsheet has rounded.

    Phones become their national digits, however decorated (``phone:1712345678``); mails lose case, a ``+tag`` and, at
    Google, dots (``mail:a@b.com``); anything else is a name or a handle (``name:karim``).
    """
    folded = " ".join(fold(text).text.casefold().split()).strip(" .,;:-")
    word = folded.isalnum()  # most are one, a handle: of a mask it could hold but x, and no mail
    if not folded or folded.strip("[]()<>") in _NOBODY or _SPREADSHEET.fullmatch(folded):
        return None
    if (not word or "x" in folded) and _MASK.search(folded):
        return None
    mail = _MAIL.search(_AT.sub("@", folded, count=1)) if "@" in folded or "%40" in folded else None
    if mail is not None:
        return _mail(mail.group(1), mail.group(2))
    few = word and sum(map(_LIKE_DIGITS.__contains__, folded)) < _SHORTEST_PHONE
    digits = None if few else _phone(folded)
    if digits is not None:
        return None if _is_filler(digits) else "phone:" + digits
    if not any(map(str.isalnum, folded)):
        return None
    number = folded.lstrip("+")
    if number.isdigit() and (len(number) < _SHORTEST_NUMBER or len(set(number)) == 1):
        return None
    return "name:" + " ".join(folded.lstrip("@").split())


def _mail(local: str, domain: str) -> str | None:
    domain = domain.rstrip(".")
    with suppress(UnicodeError):  # no valid domain name: it is compared as it is
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), _DOTLESS[0]
    host = domain.partition(".")[0]
    if local in _NOBODY or host in _NOBODY or (local == host and len(local) < _SHORTEST_NUMBER):
        return None  # abc@abc.com
    return f"mail:{local}@{domain}"


def _phone(text: str) -> str | None:
    """The digits of the phone in ``text``, None where it is none."""
    if not any(map(str.isalpha, text)):
        plain = "".join(filter(str.isdigit, text.removesuffix(".0")))
        if len(plain) >= _SHORTEST_PHONE and _national(plain) is not None:
            return _national(plain)
    for start, end, entity in find(text):
        if entity == "PHONE":
            plain = "".join(filter(str.isdigit, text[start:end].translate(_DIGITS)))
            return _national(plain) or plain
        if entity == "PROFILE" and (number := _national(named_by(text[start:end]).lstrip("+"))):
            return number  # wa.me/8801712345678
    digits = "".join(filter(str.isdigit, text))
    return digits if len(digits) >= _SHORTEST_PHONE and not any(map(str.isalpha, text)) else None


def _national(digits: str) -> str | None:
    """1XXXXXXXXX of a Bangladeshi mobile, None where it is none."""
    national = digits.lstrip("0").removeprefix("880").removeprefix("88").lstrip("0")
    return national if len(national) == _MOBILE_DIGITS and national.startswith("1") and national.isdigit() else None


def _is_filler(digits: str) -> bool:
    """Typed to pass a form: one digit throughout, or in sequence."""
    subscriber = digits[2:]
    return len(set(digits)) == 1 or len(set(subscriber)) == 1 or digits in _SEQUENCE or digits in _SEQUENCE[::-1]


def pseudonym(ring: Keyring, text: str, key_id: str | None = None, merchant: str | None = None) -> str | None:
    """``<key id>:<hex>`` of a person under the key in use, or under ``key_id`` to look up what an older one wrote; None
    where the text names nobody (see :func:`normalise`).

    Args:
        merchant: whose customer this is: under that merchant's key, where it has one.

    Raises:
        ConfigError, DataError: as :meth:`Keyring.pseudonym`.
    """
    normal = normalise(text)
    return None if normal is None else ring.pseudonym(normal.encode(), key_id, merchant)
