"""What the neighbours of a number say about it: a national id, an order number, a price, a phone."""

from __future__ import annotations

import re

from glue.privacy.recognisers.span import words_of

_NID_NAMES = (
    r"(?:\bn\.? ?i\.? ?d\b\.?|\bid ?card|আইডি ?কার্ড|nid(?:no|number|card)|"
    r"national[ _-]?id\w*|smart ?card|voter|এন ?আই ?ডি|"
    r"জাতীয় পরিচয়|জাতীয় পরিচয়|ভোটার|পরিচয় ?পত্র|পরিচয় ?পত্র|স্মার্ট কার্ড)"
)
_NID_BEFORE = re.compile(rf"{_NID_NAMES}[^\d\n;।<>=░]{{0,28}}\Z", re.IGNORECASE)
_NID_ITSELF = re.compile(
    rf"{_NID_NAMES}[\s:;.\-–—=#()]{{0,4}}(?:(?:card|no|number|num|id|er|নম্বর|নাম্বার|নং|কার্ড|আইডি|এর)[\s:;.\-–—=#()]{{0,4}}){{0,2}}\Z",
    re.IGNORECASE,
)
_WHOSE = r"(?:(?:my|amar|the|this|er|eta|ta|আমার|এটা|টা)\s{1,2}){0,2}"
_IS = rf"[\s,:()\-–]{{0,4}}{_WHOSE}(?:is|holo|hocche|হলো|হচ্ছে)\s{{1,2}}{_WHOSE}"
_ANNOUNCES = r"[^\d\n;।]{0,24}(?:\d|\[░)"  # the next number, or what stands for it since
_NID_AFTER = re.compile(  # "… is my NID", or "… (NID)" unless the word announces the next number
    rf"(?:{_IS}{_NID_NAMES}|[\s,:()\-–]{{0,4}}{_WHOSE}{_NID_NAMES}(?!{_ANNOUNCES}))", re.IGNORECASE
)
_TAKEN = re.compile(rf"(?:\d|░\]){_IS}\Z", re.IGNORECASE)
_PHONE_WORDS = tuple(
    words_of(
        "call phone mobile mob cell contact number numbr nmbr num bkash nagad rocket whatsapp app wa imo viber tel sms "
        "hotline inbox no personal ph cal kol fon phn dial helpline ফোন মোবাইল নম্বর নাম্বার নাম্বারে নম্বরে নং কল বিকাশ "
        "নগদ রকেট যোগাযোগ ইমো হোয়াটসঅ্যাপ হোয়াটসঅ্যাপ ওয়াটসঅ্যাপ পার্সোনাল হটলাইন"
    )
)
_PHONE_AFTER = re.compile(  # "… এই নাম্বারে ফোন দিন", unless the word announces the next number
    r"\s{0,2}(?:(?:এই|ei|this)\s{1,2})?(?:office |land ?|e |te |এ |তে )?"
    r"(?:নাম্বার|নম্বর|number|ফোন|কল|call|phone|tel|hotline|imo|whats ?app|হটলাইন)"
    rf"(?!{_ANNOUNCES}|[^\d\n;।]{{0,24}}[oOlI])",
    re.IGNORECASE,
)
_IDS = words_of(
    "order ord invoice inv sku id post track tracking trx trxid txn tnx transaction ref awb code serial item product "
    "model batch ticket parcel consignment memo acc account barcode isbn imei time timestamp unix অর্ডার আইডি ইনভয়েস "
    "ট্র্যাকিং পোস্ট কোড মেমো লেনদেন"
)
_NUMBER_WORDS = words_of("id no number num code নম্বর নং আইডি")
_ENDS_AS_ID = (*_IDS, *_NUMBER_WORDS)
_ID_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(_IDS)})(?:[\s_:#.\-]{{0,2}}(?:{'|'.join(_NUMBER_WORDS)}))?\Z")
_MONEY = ("tk", "taka", "bdt", "usd", "rs", "price", "৳", "$", "দাম", "টাকা", "মূল্য")
_MONEY_AFTER = re.compile(r"\s{0,2}(?:tk|taka|bdt|৳|/-|টাকা|likes?|views?|followers?|km|kg|pcs)", re.IGNORECASE)
_GLUED_BEFORE = re.compile(r"[A-Za-z_#=/\"'&?%]\Z")
_GLUED_AFTER = re.compile(r"[A-Za-z_=%]")
_WINDOW = 32
_BEFORE_ID = " \t\n:;.-–—=#()\"'_/"
_BEFORE_PHONE = " \t\n:;.-–—=#()"
_BEFORE_AMOUNT = " \t\n.:=-"


def nid_before(text: str, start: int) -> bool:
    """Whether the words before ``text[start]`` call what follows a national id, and none nearer calls it else."""
    left = max(0, start - 2 * _WINDOW)
    word = _NID_BEFORE.search(text, left, start) or _NID_ITSELF.search(text, left, start)
    if word is None or text[word.start() - 1 : word.start()] in ("?", "&"):  # a parameter of an address
        return False
    if _TAKEN.search(text, max(0, word.start() - _WINDOW), word.start()):
        return False  # "1990123456 is my NID, 1712345678": the word is about the first
    return not is_named_id(text, start) or _NID_ITSELF.search(text, left, start) is not None


def nid_after(text: str, end: int) -> bool:
    """Whether the words after ``text[end]`` call what stands before them a national id."""
    return _NID_AFTER.match(text, end) is not None


def is_named_id(text: str, start: int) -> bool:
    """Whether the words before ``text[start]`` call it an order, a product, a transaction or the like."""
    before = text[max(0, start - _WINDOW) : start].lower().rstrip(_BEFORE_ID)
    return before.endswith(_ENDS_AS_ID) and _ID_WORD.search(before) is not None


def is_amount(text: str, start: int, end: int) -> bool:
    """Whether a currency or a unit stands beside it."""
    before = text[max(0, start - _WINDOW) : start].lower().rstrip(_BEFORE_AMOUNT)
    return before.endswith(_MONEY) or _MONEY_AFTER.match(text, end) is not None


def is_phone_word(text: str, start: int, end: int) -> bool:
    """Whether the words beside it call it a phone."""
    before = text[max(0, start - _WINDOW) : start].lower().rstrip(_BEFORE_PHONE)
    return before.endswith(_PHONE_WORDS) or _PHONE_AFTER.match(text, end) is not None


def bare_is_phone(text: str, start: int, end: int) -> bool:
    """Whether ten digits without the leading zero are a phone: yes, unless their neighbours name something else."""
    if is_named_id(text, start) or _MONEY_AFTER.match(text, end):
        return False
    if is_phone_word(text, start, end):
        return True
    return not (
        is_amount(text, start, end)
        or _GLUED_BEFORE.search(text, max(0, start - 1), start)
        or _GLUED_AFTER.match(text, end)
    )
