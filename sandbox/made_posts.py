"""Made posts in Bengali, Banglish and English, as shoppers and shops in Bangladesh write them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.made_data import BENGALI_DIGITS, CITIES, CITIES_BENGALI, person, products, written_phone

_BENGALI = [
    "{bn} এখন মাত্র {price_bn} টাকা! ডেলিভারি {city_bn} সহ সারা দেশে। অর্ডার করতে কল করুন {phone} #অনলাইনশপিং #{tag}",
    "আলহামদুলিল্লাহ, {bn} হাতে পেলাম। কোয়ালিটি খুব ভালো, দাম {price_bn} টাকা। ধন্যবাদ আপু ❤️",
    "{bn} কিনে ঠকেছি 😡 ছবির সাথে মিল নেই, রিফান্ড চাইলে ফোন ধরে না {phone}",
    "কেউ কি জানেন ভালো {bn} কোথায় পাওয়া যায় {city_bn}তে? বাজেট {price_bn} টাকা",
    "ঈদ অফার! {bn} কোড {code}, বিকাশ {phone} এ অগ্রিম ২০০ টাকা দিয়ে বুকিং দিন #ঈদ #{tag}",
    "শীতের নতুন কালেকশন এসেছে, {bn} মাত্র {price_bn} টাকা, ইনবক্স করুন #{tag}",
]
_BANGLISH = [
    "apu {lish} er dam koto? dhaka te delivery charge koto lagbe? amar number {phone}",
    "ajke daraz deal e {lish} nilam {price} taka diye, quality onek valo #darazdeal #{tag}",
    "{lish} lagle inbox koren, cash on delivery {city} e. whatsapp {phone} #facebookshop",
    "vai {lish} ta original to? page theke nisi {price} tk, 3 din holo ashe nai 😤",
    "notun {lish} collection, code {code}, order korte mail koren {mail} #trending #{tag}",
    "winter er jonno {lish} must have! price {price} tk only #onlineshopping #{tag}",
]
_ENGLISH = [
    "Unboxing my new {name} from an online shop in {city}. Worth every taka at {price} BDT! #onlineshopping #{tag}",
    "Flash sale: {name} ({code}) now {price} BDT, delivery in Dhaka within 24 hours. Call {phone} #dhaka #{tag}",
    "Has anyone tried the {name}? The page says original but the price is only {price} BDT",
    "Trending product of the week: {name} 🔥 order at {mail} or inbox us #trending #{tag}",
    "Delivery took nine days and the {name} arrived broken. Very disappointed, no reply at {phone} #review",
    "Winter is here! {name} back in stock, {price} BDT with free delivery in {city} #winter #{tag}",
]


@dataclass(frozen=True)
class MadePost:
    """One post, independent of its platform."""

    post_id: str
    text: str
    author: str
    handle: str
    likes: int
    comments: int
    shares: int
    posted_at: datetime
    keyword: int  # which of the keywords (modulo their number) finds it


def made_posts(platform: str, seed: int, count: int, newest: datetime) -> list[MadePost]:
    """``count`` posts of the fortnight before ``newest``, the oldest first."""
    rng = random.Random(f"{platform}:{seed}")
    catalogue = products()
    made = []
    for index in range(count):
        author, product = person(rng), rng.choice(catalogue)
        price = f"{float(product['price']):,.0f}"
        text = rng.choice(rng.choice([_BENGALI, _BENGALI, _BANGLISH, _ENGLISH])).format(
            bn=product["name_bn"], lish=product["name_banglish"], name=product["name"], code=product["id"],
            price=price, price_bn=price.translate(BENGALI_DIGITS), phone=written_phone(rng, author.phone),
            mail=author.mail, city=CITIES[author.city], city_bn=CITIES_BENGALI[author.city],
            tag=product["name_banglish"].replace(" ", ""),
        )  # fmt: skip
        likes = int(rng.paretovariate(0.8) * 8) % 3_000_000
        age = timedelta(seconds=int((count - index) * 14 * 86_400 / count))
        made.append(
            MadePost(
                post_id=_native_id(platform, newest - age, (seed * 1_000_003 + index) % 2**32),
                text=text,
                author=author.name,
                handle=author.handle,
                likes=likes,
                comments=likes // rng.randrange(8, 40),
                shares=likes // rng.randrange(20, 200),
                posted_at=newest - age,
                keyword=rng.randrange(1_000),
            )
        )
    return made


def _native_id(platform: str, at: datetime, number: int) -> str:
    """TikTok's video ids carry the time of posting in their upper half; Facebook's are just numbers."""
    return str((int(at.timestamp()) << 32) | number) if platform == "tiktok" else str(122_000_000_000_000 + number)


def written_count(rng: random.Random, count: int) -> str:
    """A count as a page shows it: 1.2K, 3.4M, 12,345 or ১২,৩৪৫. The first two round."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f}M"
    if count >= 10_000 and rng.random() < 0.7:
        return f"{count / 1_000:.1f}K"
    text = f"{count:,}"
    return text.translate(BENGALI_DIGITS) if rng.random() < 0.3 else text
