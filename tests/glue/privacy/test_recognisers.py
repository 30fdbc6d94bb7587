"""Each kind of personal data, in the forms that people type; and what only looks like it."""

from __future__ import annotations

import pytest

from glue.privacy.recognisers import find
from glue.privacy.recognisers.fold import fold


def found(text: str) -> list[tuple[str, str]]:
    return [(text[start:end], entity) for start, end, entity in find(text)]


@pytest.mark.parametrize(
    "phone",
    [
        "01712/345678", "01712_345678", "01712,345678", "01712:345678", "01712*345678", "01712\n345678",
        "01712\u00ad345678",
        "0️⃣1️⃣7️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣", "๐๑๗๑๒๓๔๕๖๗๘", "𝟎𝟏𝟕𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "⓪①⑦①②③④⑤⑥⑦⑧", "०१७१२३४५६७८",
        "01712\u2066345678",
        "01712 34567", "0171234567", "017123456789", "01712 3456789", "01712<br>345678", "01712&nbsp;345678",
        "01712 – 345678",
        "+971 50 123 4567", "02-9876543", "00971501234567", "01712 ... 345678", "01012345678",
        "zero one seven one two three four five six seven eight", "zero 1 seven 12345678",
        "শূন্য এক সাত এক দুই তিন চার পাঁচ ছয় সাত আট", "double zero eight eight zero one seven one two 345678",
    ],
)  # fmt: skip
def test_phones_as_people_mistype_them(phone: str) -> None:
    assert found(f"call {phone} now") == [(phone, "PHONE")]


@pytest.mark.parametrize("phone", ["02-9876543", "09612345678", "09612-345678", "88029876543", "+88 02 9876543"])
def test_landlines_of_one_form_need_no_word_beside_them(phone: str) -> None:
    assert found(f"দোকান {phone} আসেন") == [(phone, "PHONE")]


@pytest.mark.parametrize(
    "text",
    ["0.0298765432", "MX-0298765432", "#0298765432", "order id 0298765432", "02/11/2026 10:30", "02-11-2026 1045"],
)
def test_what_only_begins_as_a_landline(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "what", "entity"),
    [
        ("write made@bücher.example now", "made@bücher.example", "EMAIL"),
        ("made@উদাহরণ.বাংলা", "made@উদাহরণ.বাংলা", "EMAIL"),
        ("made.up @example.com", "made.up @example.com", "EMAIL"),
        ("made at gmail dot com", "made at gmail dot com", "EMAIL"),
        ("made এট জিমেইল ডট কম", "made এট জিমেইল ডট কম", "EMAIL"),
        ("made＠example．com", "made＠example．com", "EMAIL"),
        ("made(at)gmail(dot)com", "made(at)gmail(dot)com", "EMAIL"),
        ("made[@]gmail[.]com", "made[@]gmail[.]com", "EMAIL"),
        ("made%40gmail.com", "made%40gmail.com", "EMAIL"),
        ("made@example,com", "made@example,com", "EMAIL"),
        ("made_at_gmail_dot_com", "made_at_gmail_dot_com", "EMAIL"),
        ("insta: made_up ok", "made_up", "HANDLE"),
        ("imo id made99", "made99", "HANDLE"),
        ("profile.php?id=100012345678901", "profile.php?id=100012345678901", "PROFILE"),
        ("fb.com/groups/1/user/100012345678901/", "fb.com/groups/1/user/100012345678901/", "PROFILE"),
        ("আইডি কার্ড নং ১৯৯০১২৩৪৫৬৭৮৯", "১৯৯০১২৩৪৫৬৭৮৯", "NID"),
        ("jonmo nibondhon 19901234567890123", "19901234567890123", "BIRTH_ID"),
        ("iban gb82west12345698765432", "gb82west12345698765432", "IBAN"),
        ("TxnId: 1234567890", "1234567890", "TRX"),
        ("ট্রান্সেকশন আইডি: 9H7X2K4L5M", "9H7X2K4L5M", "TRX"),
        ("bkash korsi 9H7X2K4L5M", "9H7X2K4L5M", "TRX"),
        ("H-7, R-3, Sec-10", "H-7, R-3, Sec-10", "ADDRESS"),
        ("12/3 Green Road, Dhaka", "12/3 Green Road", "ADDRESS"),
        ("বাসাঃ ১২, রোডঃ ৫", "বাসাঃ ১২, রোডঃ ৫", "ADDRESS"),
        ("Mokim Bepari ভাই ঠিক বলেছেন", "Mokim Bepari", "NAME"),
        ("S M Rahman", "S M Rahman", "NAME"),
        ("dekho @made_up eta", "@made_up", "HANDLE"),
        ("see facebook.com/made.up.5 ok", "facebook.com/made.up.5", "PROFILE"),
        ("fb.com/profile.php?id=100012345678901", "fb.com/profile.php?id=100012345678901", "PROFILE"),
        ("wa.me/8801712345678", "wa.me/8801712345678", "PROFILE"),
        ("t.me/made_up, t", "t.me/made_up", "PROFILE"),
        ("birth registration no 19901234567890123", "19901234567890123", "BIRTH_ID"),
        ("জন্ম নিবন্ধন নং ১৯৯০১২৩৪৫৬৭৮৯০১২৩", "১৯৯০১২৩৪৫৬৭৮৯০১২৩", "BIRTH_ID"),
        ("my e-TIN is 123456789012", "123456789012", "TIN"),
        ("DOB 12/03/1990 ok", "12/03/1990", "BIRTH_DATE"),
        ("জন্ম তারিখ: ১২ মার্চ ১৯৯০", "১২ মার্চ ১৯৯০", "BIRTH_DATE"),
        ("passport no: BX0123456", "BX0123456", "PASSPORT"),
        ("driving licence DK0123456L00012", "DK0123456L00012", "LICENCE"),
        ("card 4111 1111 1111 1111 exp", "4111 1111 1111 1111", "CARD"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 32", "IBAN"),
        ("bank account no 2051 1234 5678 9", "2051 1234 5678 9", "ACCOUNT"),
        ("TrxID 9H7X2K4L5M", "9H7X2K4L5M", "TRX"),
        ("বিকাশ ট্রানজেকশন আইডি: 9H7X2K4L5M", "9H7X2K4L5M", "TRX"),
        ("House 7, Road 3, Sector 10", "House 7, Road 3, Sector 10", "ADDRESS"),
        ("বাসা ১২, রোড ৩, ব্লক সি", "বাসা ১২, রোড ৩, ব্লক সি", "ADDRESS"),
        ("ঠিকানা: ১২/এ মধ্য পাড়া", "১২/এ মধ্য পাড়া", "ADDRESS"),
        ("ami Rahim Uddin bolchi", "Rahim Uddin", "NAME"),
        ("আমার নাম করিম উদ্দিন", "করিম উদ্দিন", "NAME"),
        ("Md. Rahim er order", "Md. Rahim", "NAME"),
        ("Rahim bhai koto taka", "Rahim", "NAME"),
        ("name: Xyron Quill", "Xyron Quill", "NAME"),
    ],
)  # fmt: skip
def test_each_kind(text: str, what: str, entity: str) -> None:
    assert (what, entity) in found(text), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 0171234567 shipped", "price 1,200/1,500/1,800 tk", "2026-01-15 01:30:45",
        "size 36 37 38 39 40", "23.8103, 90.4125",
        "version 1.17.12345", "Samsung Galaxy A17 5G", "facebook.com/groups/12345",
        "facebook.com/watch?v=123", "fb.com/reel/99",
        "2pcs@500", "৳৫০০-৬০০", "Road 3 is closed", "product name: Cotton Shirt", "ইসলাম শান্তির ধর্ম",
        "daraz order 634512345678901",
        "post 7301234567890123456", "passport size photo 2 copies", "my account is closed", "নাম কি",
        "brand name Samsung", "Samsung Galaxy ভালো ফোন", "Dual Camera ২০১৬ সালের", "one two three four five",
        "শূন্য থেকে শুরু", "zero tolerance", "500.00 1898339887 likes", "look at shop.com", "facebook: amader page",
        "bkash korun", "transaction failed", "৳01700",
    ],
)  # fmt: skip
def test_what_only_looks_like_it(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("বলেছেন নুসরাত ফারি\u09dfা আপা\u200b", "নুসরাত ফারি\u09dfা"),  # one character for a dotted letter, or two
        ("বলেছেন নুসরাত ফারি\u09af\u09bcা আপা\u200b", "নুসরাত ফারি\u09af\u09bcা"),
        ("ইমরান এইচ সরকার বলেছেন", "ইমরান এইচ সরকার"),
        ("শরিফ অাহম্মেদ বলেছেন", "শরিফ অাহম্মেদ"),
        ("শান্ত ভাইকে বলেন", "শান্ত"),
        ("বলেছেন মোঃ করিম", "মোঃ করিম"),
        ("ডাঃ আনোয়ার বলেছেন", "ডাঃ আনোয়ার"),
    ],
)
def test_a_name_as_keyboards_and_people_write_it(text: str, name: str) -> None:
    assert found(text) == [(name, "NAME")]


@pytest.mark.parametrize("tag", ["#rahim_uddin_1990", "#Nusrat_Jahan", "#করিম_উদ্দিন", "#rakib_hasan1"])
def test_a_tag_of_two_names_is_a_handle(tag: str) -> None:
    assert found(f"dekhun {tag} er post") == [(tag, "HANDLE")]


@pytest.mark.parametrize(
    "tag", ["#dhaka_fashion", "#rahim_store", "#eid_2026", "#asha_joy", "#jamdani_saree_2026", "#রহিম"]
)
def test_a_tag_of_a_topic_stays(tag: str) -> None:
    assert found(f"dekhun {tag} er post") == []


@pytest.mark.parametrize("text", ["সালাম ভাই", "আমিন ভাই", "জাফর বলেছেন এই কথা", "শান্ত মানুষ", "এ কে বলেছেন"])
def test_a_greeting_and_a_lone_name_stay(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("before", ["পড়া আষাঢ় হয়…", "পড়া…" * 40, "\u2026\u09df\u09dc\u09dd"])
def test_what_is_not_folded_moves_no_find(before: str) -> None:
    for rare in ("", "\u200b", "½", "\u200b" * 90):
        assert found(f"{before}{rare} 01712345678 {before}") == [("01712345678", "PHONE")]


def test_kinds_beside_each_other_stay_apart() -> None:
    text = "Md. Rahim, House 7 Road 3, call 01712345678 or 01812345678, made@example.com"
    assert [entity for _, entity in found(text)] == ["NAME", "ADDRESS", "PHONE", "PHONE", "EMAIL"]
    assert found("NID 1234567890 0171 2345678") == [("1234567890", "NID"), ("0171 2345678", "PHONE")]


@pytest.mark.parametrize("filler", ["", "x" * 200])
def test_a_folded_text_leads_back_to_each_character(filler: str) -> None:
    parts = ["a\u200b", "\u00ad1", "⑽", "½", "𝟎", "e\u0301", "1\ufe0f\u20e3", "ক\u09cd\u200dষ", "০", "☎"]
    text = "".join(parts) + filler
    folded = fold(text)
    ends = [folded.original(0, at)[1] for at in range(len(folded.text) + 1)]
    starts = [folded.original(at, at)[0] for at in range(len(folded.text) + 1)]
    assert ends == sorted(ends)
    assert ends[-1] == len(text)
    assert [text[at] for at in starts[:-1] if text[at] != "x"] == list("a1⑽⑽⑽⑽½½½𝟎e1ক্ষ০☎")
