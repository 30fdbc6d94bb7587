"""Made data: a catalogue, people and places that look like Bangladeshi e-commerce and belong to nobody.

Everything follows from a seed. Phones lie in blocks of zeros (``01X0000NNNN``), mails at reserved names.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

BENGALI_DIGITS = str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯")

# name, Bengali, Banglish, category, from and to price in BDT
_KINDS: list[tuple[str, str, str, str, int, int]] = [
    ("Jamdani Saree", "জামদানি শাড়ি", "jamdani shari", "Fashion", 2500, 14000),
    ("Cotton Saree", "সুতি শাড়ি", "suti shari", "Fashion", 650, 2200),
    ("Three Piece", "থ্রি পিস", "three piece", "Fashion", 850, 4200),
    ("Panjabi", "পাঞ্জাবি", "panjabi", "Fashion", 700, 3500),
    ("Winter Jacket", "শীতের জ্যাকেট", "shiter jacket", "Fashion", 1200, 4800),
    ("Party Dress", "পার্টি ড্রেস", "party dress", "Fashion", 1500, 6500),
    ("Leather Shoes", "চামড়ার জুতা", "chamrar juta", "Footwear", 1400, 5200),
    ("Winter Boots", "শীতের বুট জুতা", "winter boot juta", "Footwear", 1800, 6000),
    ("Running Shoes", "রানিং জুতা", "running juta", "Footwear", 1300, 7500),
    ("Ladies Bag", "লেডিস ব্যাগ", "ladies bag", "Bags", 650, 3800),
    ("Backpack", "ব্যাকপ্যাক ব্যাগ", "backpack bag", "Bags", 800, 3600),
    ("Smart Watch", "স্মার্ট ওয়াচ", "smart watch", "Electronics", 1500, 9000),
    ("Analog Watch", "হাত ঘড়ি", "hat ghori", "Accessories", 900, 5500),
    ("Smart Phone", "স্মার্ট ফোন", "smart phone", "Electronics", 9500, 48000),
    ("Wireless Earbuds", "ওয়্যারলেস ইয়ারবাড", "wireless earbud", "Electronics", 800, 4500),
    ("Power Bank", "পাওয়ার ব্যাংক", "power bank", "Electronics", 900, 3200),
    ("Rice Cooker", "রাইস কুকার", "rice cooker", "Home", 1900, 5200),
    ("Blanket", "কম্বল", "kombol", "Home", 750, 3900),
    ("Face Cream", "ফেস ক্রিম", "face cream", "Beauty", 250, 1800),
    ("Baby Dress", "বাচ্চাদের ড্রেস", "bacchader dress", "Fashion", 350, 1600),
]
_VARIANTS = ["Classic", "Premium", "Deluxe"]
_GIVEN = [
    "Rahim",
    "Karim",
    "Nusrat",
    "Farhana",
    "Tanvir",
    "Sadia",
    "Mehedi",
    "Sumaiya",
    "Arif",
    "Jannat",
    "Rakib",
    "Mim",
]
_FAMILY = ["Hossain", "Akter", "Islam", "Rahman", "Sultana", "Chowdhury", "Khan", "Begum", "Ahmed", "Sarkar"]
CITIES = ["Dhaka", "Chittagong", "Sylhet", "Khulna", "Rajshahi", "Barishal", "Rangpur", "Gazipur"]
CITIES_BENGALI = ["ঢাকা", "চট্টগ্রাম", "সিলেট", "খুলনা", "রাজশাহী", "বরিশাল", "রংপুর", "গাজীপুর"]


@dataclass(frozen=True)
class Person:
    """Somebody who is nobody."""

    name: str
    handle: str
    phone: str
    mail: str
    city: int


def products() -> list[dict[str, str]]:
    """The catalogue: id, sku, name, name_bn (Bengali), name_banglish, category, price (BDT), currency.

    The same in every run; Redis holds each under ``product:{id}``.
    """
    made = []
    for index, (name, bengali, banglish, category, low, high) in enumerate(_KINDS):
        for rank, variant in enumerate(_VARIANTS):
            price = low + (high - low) * (rank * 2 + 1) // (2 * len(_VARIANTS)) // 10 * 10
            made.append(
                {
                    "id": f"MX-{1000 + index * len(_VARIANTS) + rank}",
                    "sku": f"{category[:3].upper()}-{index:02d}{rank}",
                    "name": f"{variant} {name}",
                    "name_bn": bengali,
                    "name_banglish": banglish,
                    "category": category,
                    "price": str(Decimal(price).quantize(Decimal("0.01"))),
                    "currency": "BDT",
                }
            )
    return made


def person(rng: random.Random) -> Person:
    """A made person."""
    given, family, number = rng.choice(_GIVEN), rng.choice(_FAMILY), rng.randrange(10_000)
    handle = f"{given.lower()}_{family.lower()}{number % 100:02d}"
    phone = f"01{rng.choice('3456789')}0000{number:04d}"
    return Person(f"{given} {family}", handle, phone, f"{handle}@mail.example", rng.randrange(len(CITIES)))


def written_phone(rng: random.Random, phone: str) -> str:
    """A phone number in one of the ways people write it."""
    ways = [
        phone,
        f"+88{phone}",
        f"{phone[:5]}-{phone[5:]}",
        f"{phone[:3]} {phone[3:7]} {phone[7:]}",
        phone.translate(BENGALI_DIGITS),
    ]
    return rng.choice(ways)


def anchor() -> datetime:
    """The newest time of generated data: the beginning of this UTC day, so that runs of one day agree on keys."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def iso(value: datetime) -> str:
    """ISO 8601 with offset, in seconds."""
    return value.isoformat(timespec="seconds")


Json = dict[str, Any]
