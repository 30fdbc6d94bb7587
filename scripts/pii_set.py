"""A generated, labelled set of posts for the evaluation of PII detection: every form, and what only looks like it.

No real person's data: numbers and names are drawn at random from a seed. Forms come from how people in Bangladesh write
(see ``glue.privacy.recognisers``), written here a second time and independently of the detector.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

BENGALI = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")
OPERATORS = ("013", "014", "015", "016", "017", "018", "019")
FRAMES = {
    "PHONE": (
        "order korte call koren {}",
        "যোগাযোগ: {}",
        "call{}now",
        "৳{} এ বিকাশ করুন",
        "inbox or whatsapp {} thanks",
        "bKash {} (personal)",
        "নম্বর{}দিয়ে অর্ডার করুন",
        "ডেলিভারি ঢাকা ৬০ টাকা, কল {}।",
        "{} এই নাম্বারে ফোন দিন",
        "price 1200 tk, contact {}, size 42",
        "hotline:{};",
        "({}) apu",
    ),
    "EMAIL": ("mail {} for wholesale", "ইমেইল: {}", "<{}>", "send cv to {}, thanks", "{} e janaben", "মেইল করুন {}।"),
    "NID": (
        "NID {}",
        "amar nid no: {}",
        "জাতীয় পরিচয়পত্র নম্বর {}",
        "এনআইডি {} দিয়ে নিবন্ধন",
        "national id card number {} and photo",
        "{} is my nid",
        "voter id {}",
        "NID: {} (front page)",
    ),
}
SMALL_TALK = (
    "ভাই দাম কত?",
    "ei juta ta koto taka",
    "nice product, delivery was quick",
    "size 40 41 42 available",
    "আজকের অফার ৫০% ছাড়",
    "quality khub valo, recommended",
    "ডেলিভারি চার্জ সহ জানাবেন",
    "2 din por pabo?",
)


@dataclass
class Post:
    """A text with its labels: (start, end, entity), and the forms that occur in it."""

    text: str = ""
    labels: list[tuple[int, int, str]] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """Add words, with a blank between."""
        self.text += (" " if self.text else "") + words

    def tell(self, frame: str, secret: str, entity: str, form: str) -> None:
        """Add a frame with a labelled secret in it."""
        before, after = frame.split("{}")
        self.say(before)
        start = len(self.text)
        self.text += secret + after
        self.labels.append((start, start + len(secret), entity))
        self.forms.append(form)


def national(chance: random.Random) -> str:
    """Eleven digits of a mobile."""
    return chance.choice(OPERATORS) + "".join(chance.choices("0123456789", k=8))


def _grouped(digits: str, chance: random.Random, separator: str) -> str:
    cuts = chance.choice(((5,), (3, 7), (3,), (5, 8), (4, 7), (2, 5, 8)))
    parts, last = [], 0
    for cut in (*cuts, len(digits)):
        parts.append(digits[last:cut])
        last = cut
    return separator.join(parts)


def _confused(digits: str, chance: random.Random) -> str:
    swap = {"0": "oO", "1": "lI"}
    places = chance.sample([i for i, digit in enumerate(digits) if digit in swap], k=1)
    return "".join(chance.choice(swap[d]) if i in places else d for i, d in enumerate(digits))


def _mixed(text: str, chance: random.Random) -> str:
    return "".join(c.translate(BENGALI) if chance.random() < 0.5 else c for c in text)


def _script(zero: int) -> dict[int, int]:
    return {ord("0") + value: zero + value for value in range(10)}


_SPOKEN = (
    "zero one two three four five six seven eight nine".split(),  # noqa: SIM905
    "শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয়".split(),  # noqa: SIM905
    "shunno ek dui tin char pach choy sat at noy".split(),  # noqa: SIM905
)


def _in_words(digits: str, chance: random.Random) -> str:
    words = chance.choice(_SPOKEN)
    return " ".join(words[int(digit)] for digit in digits)


def _without_one(digits: str, chance: random.Random) -> str:
    """As people mistype: a digit of the subscriber's part is missing, or stands there twice."""
    place = chance.randrange(3, 11)
    return digits[:place] + digits[place + 1 :]


def _with_one(digits: str, chance: random.Random) -> str:
    place = chance.randrange(3, 11)
    return digits[:place] + digits[place] + digits[place:]


PHONES: dict[str, Callable[[str, random.Random], str]] = {
    "plain": lambda n, _: n,
    "+880": lambda n, _: "+88" + n,
    "880": lambda n, _: "88" + n,
    "00880": lambda n, _: "0088" + n,
    "bare": lambda n, _: n[1:],
    "spaces": lambda n, r: _grouped(n, r, " "),
    "dashes": lambda n, r: _grouped(n, r, "-"),
    "dots": lambda n, r: _grouped(n, r, "."),
    "+880 dashes": lambda n, r: "+880-" + _grouped(n[1:], r, "-"),
    "(+88) spaces": lambda n, r: "+88 " + _grouped(n, r, " "),
    "bengali": lambda n, _: n.translate(BENGALI),
    "bengali +880": lambda n, _: ("+88" + n).translate(BENGALI),
    "bengali dashes": lambda n, r: _grouped(n, r, "-").translate(BENGALI),
    "mixed": _mixed,
    "o/O/l/I": _confused,
    "digit by digit": lambda n, r: r.choice(" -.").join(n),
    "slash": lambda n, r: _grouped(n, r, "/"),
    "comma": lambda n, r: _grouped(n, r, ","),
    "underscore": lambda n, r: n[:5] + "_" + n[5:],
    "colon": lambda n, r: n[:5] + ":" + n[5:],
    "line break": lambda n, r: n[:5] + "\n" + n[5:],
    "soft hyphen": lambda n, r: n[:5] + "\u00ad" + n[5:],
    "keycaps": lambda n, _: "".join(f"{digit}\ufe0f\u20e3" for digit in n),
    "thai": lambda n, _: n.translate(_script(0x0E50)),
    "mathematical": lambda n, _: n.translate(_script(0x1D7CE)),
    "one too few": lambda n, r: _without_one(n, r),
    "one too many": lambda n, r: _with_one(n, r),
    "in words": lambda n, r: _in_words(n, r),
    "half in words": lambda n, r: _in_words(n[:3], r) + " " + n[3:],
    "dots and blanks": lambda n, _: n[:5] + " ... " + n[5:],
    "combining marks": lambda n, _: "\u0332".join(n),
    "html": lambda n, r: n[:5] + r.choice(("<br>", "&nbsp;", "%20")) + n[5:],
    "emoji": lambda n, r: n[:5] + r.choice("📞☎👉") + n[5:],
    "odd dashes": lambda n, r: _grouped(n, r, r.choice("\u2013\u2014\u2011\u00a0")),
}
BARE_FRAMES = ("call {} now", "যোগাযোগ: {}", "bKash {} (personal)", "{} এই নাম্বারে ফোন দিন", "whatsapp {}", "number {}")


def phone(post: Post, chance: random.Random) -> None:
    form = chance.choice(list(PHONES))
    frame = chance.choice(BARE_FRAMES if form == "bare" else FRAMES["PHONE"])
    if form in ("o/O/l/I", "digit by digit", "in words", "half in words"):
        frame = chance.choice(BARE_FRAMES)
    post.tell(frame, PHONES[form](national(chance), chance), "PHONE", form)


def mail(post: Post, chance: random.Random) -> None:
    name = chance.choice(("karim", "rahim.bd", "shop_24", "a-b", "nadia99", "x")) + str(chance.randrange(100))
    domain = chance.choice(("gmail.com", "yahoo.com", "example.com.bd", "mail.example.org", "outlook.com"))
    form = chance.choice(("plain", "plain", "[at]", "upper", "mistyped", "in words", "another script"))
    text = f"{name}@{domain}"
    if form == "mistyped":
        provider = chance.choice(("gmail", "yahoo", "hotmail"))
        text = chance.choice(
            ("{} @{}.com", "{}@ {}.com", "{}@{},com", "{}@{} .com", "{}@{}", "{}@@{}.com", "{}[@]{}[.]com")
        )
        text = text.format(name, provider)
    elif form == "in words":
        text = chance.choice(
            ("{} at gmail dot com", "{}(at)yahoo(dot)com", "{} এট জিমেইল ডট কম", "{}_at_gmail_dot_com")
        )
        text = text.format(name)
    elif form == "another script":
        text = name + chance.choice(("@উদাহরণ.বাংলা", "@bücher.example", "＠gmail．com", "%40gmail.com"))
    if form == "[at]":
        text = f"{name} [at] {domain.replace('.', ' [dot] ', 1)}" if domain.count(".") == 1 else f"{name} (at) {domain}"
    post.tell(chance.choice(FRAMES["EMAIL"]), text.upper() if form == "upper" else text, "EMAIL", f"mail {form}")


def nid(post: Post, chance: random.Random) -> None:
    length = chance.choice((10, 13, 17))
    digits = str(chance.randrange(1, 10)) + "".join(chance.choices("0123456789", k=length - 1))
    if length == 17:
        digits = str(chance.randrange(1950, 2006)) + digits[4:]
    form = chance.choice(("plain", "bengali", "spaces"))
    text = {"plain": digits, "bengali": digits.translate(BENGALI), "spaces": f"{digits[:3]} {digits[3:6]} {digits[6:]}"}
    post.tell(chance.choice(FRAMES["NID"]), text[form], "NID", f"nid {length} {form}")


KINDS: dict[str, tuple[tuple[str, ...], Callable[[random.Random], str]]] = {
    "HANDLE": (
        ("dekho @{} er page", "@{} apu", "thanks @{}!", "insta: {}", "telegram id {} e den"),
        lambda r: f"{_word(r)}_{r.randrange(100)}",
    ),
    "PROFILE": (
        ("amar id {}", "inbox: {}", "{} e message din"),
        lambda r: r.choice(
            (
                "fb.com/profile.php?id=1000{1}5512345",
                "wa.me/88017{1}12345",
                "https://m.facebook.com/{}{}?mibextid=ab",
                "tiktok.com/@{}{}",
                "facebook.com/{}.{}",
                "https://www.facebook.com/{}{}",
                "m.me/{}.{}",
                "t.me/{}{}",
                "instagram.com/{}_{}",
            )
        ).format(_word(r), r.randrange(10, 9999)),
    ),
    "CARD": (("card {}", "visa {} diye pay"), lambda r: _card(r)),
    "TRX": (
        ("TrxID {}", "trx id: {}", "transaction id {}", "ট্রানজেকশন আইডি {}", "bkash korsi {} dekhen", "TxnId:{}"),
        lambda r: (
            "".join(r.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=4))
            + "".join(r.choices("23456789ABCD", k=4))
            + str(r.randrange(10, 99))
        ),
    ),
    "PASSPORT": (
        ("passport no {}", "পাসপোর্ট নম্বর {}"),
        lambda r: r.choice(("B", "BX", "EA", "A")) + "".join(r.choices("0123456789", k=7)),
    ),
    "TIN": (("tin: {}", "my e-TIN is {}"), lambda r: "".join(r.choices("123456789", k=12))),
    "BIRTH_ID": (
        ("birth registration no {}", "জন্ম নিবন্ধন {}"),
        lambda r: str(r.randrange(1960, 2024)) + "".join(r.choices("0123456789", k=13)),
    ),
    "ACCOUNT": (
        ("bank account no {}", "a/c {}", "হিসাব নং {}"),
        lambda r: "".join(r.choices("123456789", k=r.choice((11, 13)))),
    ),
    "ADDRESS": (
        ("deliver to {} please", "{} te pathan", "ঠিকানা {}"),
        lambda r: r.choice(
            (
                "House {}, Road {}, Sector {}",
                "Flat {}B, House {}, Road {}",
                "House# {} Road# {} Block# {}",
                "H-{}, R-{}, Sec-{}",
                "{}/{} Green Road",
                "বাসাঃ {}, রোডঃ {}",
                "বাসা {}, রোড {}, সেক্টর {}",
                "বাড়ি নং {}, রোড নং {}, ব্লক {}",
            )
        ).format(*(r.randrange(1, 60) for _ in range(3))),
    ),
    "NAME": (
        ("amar nam {} ,", "name: {},", "আমার নাম {}।", "{} bhai koto", "ami {} , order korte chai", "Md. {} , Dhaka"),
        lambda r: r.choice(_GIVEN) + " " + r.choice(_FAMILY),
    ),
}
_GIVEN = (
    "Karim",
    "Rahim",
    "Sumaiya",
    "Nusrat",
    "Tanvir",
    "Shakil",
    "করিম",
    "সুমাইয়া",
    "তানভীর",
    "Zubayda",
    "Rakibul",
    "Farzana",
    "নাহিদ",
    "Oishee",
)
_FAMILY = (
    "Uddin",
    "Rahman",
    "Akter",
    "Hossain",
    "Islam",
    "Das",
    "উদ্দিন",
    "রহমান",
    "আক্তার",
    "Chowdhury",
    "Khatun",
    "Saha",
)


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abdeghiklmnoprstu", k=chance.randrange(4, 9)))


def _card(chance: random.Random) -> str:
    body = chance.choice(("4", "51", "37")) + "".join(chance.choices("0123456789", k=14))
    body = body[:15] if not body.startswith("37") else body[:14]
    total = sum(int(d) * 2 - 9 * (int(d) > 4) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body)))
    digits = body + str(-total % 10)
    return chance.choice((digits, " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))))


def other(post: Post, chance: random.Random) -> None:
    """Any of the other kinds."""
    entity = chance.choice(list(KINDS))
    frames, made = KINDS[entity]
    post.tell(chance.choice(frames), made(chance), entity, entity.lower())


def trap(post: Post, chance: random.Random) -> None:
    """What only looks like it: no label."""
    ten = str(chance.choice((1, 1, 1, 2, 5, 9))) + "".join(
        chance.choices("3456789", k=1) + chance.choices("0123456789", k=8)
    )
    day, month, year = chance.randrange(1, 29), chance.randrange(1, 13), chance.randrange(2019, 2027)
    words = chance.choice(
        (
            f"order {ten} shipped",
            f"order id: {ten}",
            f"অর্ডার নং {ten.translate(BENGALI)}",
            f"invoice #{ten}",
            f"daraz order {chance.randrange(10**14, 10**15)}",
            f"post {chance.randrange(10**18, 10**19)}",
            f"https://example.com/posts/{chance.randrange(10**15, 10**16)}",
            f"price {chance.randrange(100, 99999)} tk",
            f"দাম {chance.randrange(100, 99999)} টাকা".translate(BENGALI),
            f"৳{chance.randrange(1, 99)},{chance.randrange(100, 999)}",
            f"{chance.randrange(1, 9)},{chance.randrange(100, 999)},{chance.randrange(100, 999)} views",
            f"{day:02}-{month:02}-{year} {chance.randrange(100, 999)} tk",
            f"{day:02}/{month:02}/{year}",
            f"{year}-{month:02}-{day:02} {chance.randrange(24):02}:{chance.randrange(60):02}",
            f'<div id="u_0_{ten}">',
            f"sku {ten}",
            f"{chance.uniform(20, 26):.6f}, {chance.uniform(88, 92):.6f}",
            f"version {chance.randrange(1, 20)}.{chance.randrange(10, 99)}.{chance.randrange(1000, 99999)}",
            f"#sale{year} #eid{chance.randrange(10, 99)}",
            f"0{chance.randrange(1000, 1999)} taka",
            f"Galaxy A{chance.randrange(10, 99)} {chance.choice((6, 8))}/{chance.choice((128, 256))}",
            f"{chance.randrange(1, 9)},{chance.randrange(10, 99)},{chance.randrange(100, 999)}/- only",
            f"Samsung Galaxy ভালো ফোন {year}",
            chance.choice(
                ("one two three go", "শূন্য থেকে শুরু", "zero tolerance", "Road 3 is closed", "নাম কি", "ভাই আমি আছি")
            ),
            f"tracking {chance.randrange(10**11, 10**12)}",
            f"size {' '.join(str(n) for n in range(36, 36 + chance.randrange(3, 8)))}",
            f"{chance.randrange(2, 9)}pcs@{chance.randrange(100, 999)}.00",
            f"unix time {chance.randrange(1_600_000_000, 1_799_999_999)}",
            f"{chance.randrange(10**9, 1_999_999_999)} likes",
            f"barcode {chance.randrange(10**12, 10**13)}",
        )
    )
    post.say(words)
    post.forms.append("trap")


def posts(count: int, seed: int = 1) -> list[Post]:
    """``count`` posts; about half hold personal data, most hold traps."""
    chance = random.Random(seed)  # noqa: S311 - made data
    made = []
    for _ in range(count):
        post = Post()
        for part in chance.sample((phone, mail, nid, other, other, trap, trap, None, None), k=chance.randrange(1, 5)):
            if part is None:
                post.say(chance.choice(SMALL_TALK))
            else:
                part(post, chance)
        made.append(post)
    return made


# What makes a search slow when it is repeated: the beginnings of every kind's forms, and what has to be folded.
HOSTILE = (
    "Md ", "মোঃ ", "ami ", "আমি ", "Rahim ", "রহিম ", "Rahim bhai ", "hossain ", "name is ", "নাম ",
    "House ", "House 7, ", "Road 3 ", "বাসা ", "গ্রাম ক ", "ঠিকানা: ", "1", "01", "01712345678",
    "0 1 7 ", "1.", "১", "১.", "1 1 1 1 1 1 1 x ", "1990-01-01 ", "@", "a@", "@a ", "a@b.", "a@b.co ",
    ".", "a-", "[", "{[(", "a [at] b [dot] c ", "a at ", "at ", "gmail com ", "\u200b", "\u00ad1",
    "\u0301", "ক\u09cd", "0\ufe0f\u20e3", "𝟎𝟏", "๐๑", "ﷺ", "😀1", "/", "wa.me/", "t.me/a ",
    "facebook.com/", "facebook.com/profile.php?a=b&", "https://", "passport B", "licence AB", "trx ",
    "GB82 WEST 1234 ", "4111 1111 1111 1111 ", "a/c 1 ", "+1 4 ", "lI", "<br>1", "&nbsp;1",
    "nid 1234567890 ", "is my nid ", "tk ", "zero one ",
)  # fmt: skip


def repeated(pieces: tuple[str, ...], length: int) -> str:
    """The pieces again and again, ``length`` characters of them."""
    piece = "".join(pieces)
    return (piece * (length // len(piece) + 1))[:length]
