"""Money's numbers: payment cards, accounts, IBANs, and the transaction ids of bKash, Nagad and Rocket.

A card has 13 to 19 digits, begins as one of the networks' ranges (ISO/IEC 7812) and ends with Luhn's check digit. An
IBAN (ISO 13616) is checked modulo 97. Local account numbers have no check digit: a word beside them decides. A
transaction id is eight to twelve capitals and digits after a word for it.
"""

from __future__ import annotations

import re

from glue.privacy.recognisers.context import is_named_id
from glue.privacy.recognisers.span import Block, NumberKind, Places, Span, TextKind, spans_of, words_of

_CARD_RANGE = re.compile(r"4|5(?:[1-5]|\Z)|2(?:[2-7]|\Z)|3(?:[04678]|\Z)|6")
_CARD_DIGITS = range(13, 20)
_CARD_WORD = re.compile(r"(?:card|visa|master|amex|debit|credit|কার্ড|ভিসা)[^\d\n░]{0,24}\Z", re.IGNORECASE)
_CARD_SHAPES = ((4, 4, 4, 4), (4, 6, 5), (4, 4, 4, 4, 3))
_ACCOUNT_WORD = re.compile(
    r"(?:\ba/?c\b|\bacc(?:ount|t)?\b|bank ?(?:no|number)|হিসাব ?(?:নং|নম্বর|নাম্বার)|[এএ]কাউন্ট|অ্যাকাউন্ট|ব্যাংক)"
    r"[^\d\n;।<>=░]{0,20}\Z",
    re.IGNORECASE,
)
_ACCOUNT_DIGITS = range(9, 18)
_WINDOW = 48
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])", re.IGNORECASE
)
_IBAN_BEGINS = "(?i)[A-Z]{2}[0-9০-৯]{2} ?[A-Z0-9০-৯]{4} ?[A-Z0-9০-৯]{4}"
_TRX_WORDS = (
    "trx trxid txn txnid tnx tnxid trnx trnxid tran tranid trxn trxnid transaction transactionid transection tid "
    "লেনদেন ট্রানজেকশন ট্রানজেকশান ট্রান্সজেকশন ট্রানজাকশন ট্রানজ্যাকশন ট্রাঞ্জেকশন ট্রান্সেকশন ট্রান্সেকশান ট্রানজিকশন টিআরএক্স"
)
_TRX = re.compile(
    rf"(?:{'|'.join(sorted(_TRX_WORDS.split(), key=len, reverse=True))})\.?"
    r"(?P<named>[\s_]?(?:id|no|number|num|code|আইডি|নম্বর|নাম্বার|নং)(?![A-Za-z]))?[\s:;.#=\-–—()]{0,4}(?:is |holo |হলো )?"
    r"(?P<code>(?=[A-Z0-9]{0,11}\d)(?:(?=[A-Z0-9]{0,11}[A-Z])[A-Z0-9]{8,12}|(?(named)\d{8,12}|(?!)))(?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_WALLETS = "bkash bikash nagad nogod rocket upay বিকাশ বিকাশে নগদ নগদে রকেট রকেটে উপায়"
_CODE = re.compile(
    r"(?:(?!\d{9})[^\n]){1,40}?(?<![A-Za-z0-9])(?P<code>(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{10})(?![A-Za-z0-9])"
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _claim_card(block: Block, at: int) -> int:
    digits = block.groups[at].digits
    if block.end - block.groups[at].start < _CARD_DIGITS[0] or _CARD_RANGE.match(digits) is None:
        return at
    digits = ""
    for end in range(at + 1, min(at + 6, len(block.groups)) + 1):
        digits += block.groups[end - 1].digits
        if len(digits) > _CARD_DIGITS[-1]:
            break
        if len(digits) in _CARD_DIGITS and _CARD_RANGE.match(digits) and luhn(digits):
            start = block.groups[at].start
            shape = tuple(len(group.digits) for group in block.groups[at:end])
            named = _CARD_WORD.search(block.text, max(0, start - _WINDOW), start) is not None
            if (
                named
                or shape in _CARD_SHAPES
                or (end == at + 1 and not is_named_id(block.text, start) and not _glued(block.text, start))
            ):
                return end
    return at


def _glued(text: str, start: int) -> bool:
    """Part of an address or an attribute: ``posts/4111…``, ``id=4111…``."""
    return start > 0 and (text[start - 1] in "/=_\"'&?#" or text[start - 1].isalpha())


def _claim_account(block: Block, at: int) -> int:
    start = block.groups[at].start
    if _ACCOUNT_WORD.search(block.text, max(0, start - _WINDOW), start) is None:
        return at
    best, total = at, 0
    for end in range(at + 1, min(at + 6, len(block.groups)) + 1):
        total += len(block.groups[end - 1].digits)
        if total > _ACCOUNT_DIGITS[-1]:
            break
        if total in _ACCOUNT_DIGITS:
            best = end
            if end == at + 1 and total >= 11:
                break
    return best


def _find_iban(text: str, places: Places) -> list[Span]:
    spans = []
    for place in places.starts:
        for match in _IBAN.finditer(text, place, place + _WINDOW + 48):
            code = match.group().replace(" ", "").upper()
            number = "".join(str(int(char, 36)) for char in code[4:] + code[:4])
            if 15 <= len(code) <= 34 and int(number) % 97 == 1:
                spans.append(Span(*match.span(), "IBAN"))
    return spans + places.unread


CARD = NumberKind("CARD", _claim_card)
ACCOUNT = NumberKind("ACCOUNT", _claim_account, ("a/c", "ac ", "ac:", "acc", "bank", "হিসাব", "কাউন্ট", "ব্যাংক"))
IBAN = TextKind("IBAN", _find_iban, words=words_of("iban swift bank account acc ব্যাংক"), leads=(_IBAN_BEGINS,))
TRANSACTION = TextKind("TRX", spans_of(_TRX, "TRX", "code"), words=words_of(_TRX_WORDS))
TRANSACTION_CODE = TextKind("TRX", spans_of(_CODE, "TRX", "code"), words=words_of(_WALLETS))
