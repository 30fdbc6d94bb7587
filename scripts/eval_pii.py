"""How well personal data is found: precision, recall and F2 by entity, beside other finders, on a generated set.

    python scripts/eval_pii.py [--posts 10000] [--seed 1] [--json FILE] [--misses 5]
    python scripts/eval_pii.py posts.txt …      any text, one a line: what is found, and what an oracle still sees after

Presidio's own recognisers take part where presidio-analyzer is installed, with any interpreter that has it and
PYTHONPATH naming this checkout; elsewhere a finder stands for them that is made of the same parts.

A label counts as found when all of its digits and letters are covered by finds of its entity; a find counts as right
when it touches a label of its entity. F2 weighs recall four times precision: what is missed is published.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pii_set import KINDS, Post, posts

from glue.privacy import recognisers
from glue.privacy.scrub import Scrubber

Finder = Callable[[str], list[tuple[int, int, str]]]
ENTITIES = ("PHONE", "EMAIL", "NID", *KINDS)
_PRESIDIO_REGIONS = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")
_SHOWN = 200  # characters
_GENERIC_MAIL = re.compile(r"\b[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}\b")
_NAIVE_PHONE = re.compile(r"\b(?:\+?88)?01[3-9]\d{8}\b")
_NAIVE_NID = re.compile(r"\b(?:\d{10}|\d{13}|\d{17})\b")


def ours(text: str) -> list[tuple[int, int, str]]:
    """This project's finder."""
    return list(map(tuple, recognisers.find(text)))  # type: ignore[arg-type]


def naive(text: str) -> list[tuple[int, int, str]]:
    """The regular expressions that one writes first."""
    patterns = ((_NAIVE_PHONE, "PHONE"), (_GENERIC_MAIL, "EMAIL"), (_NAIVE_NID, "NID"))
    return [(m.start(), m.end(), entity) for pattern, entity in patterns for m in pattern.finditer(text)]


def by_phonenumbers(regions: tuple[str, ...]) -> Finder | None:
    """Google's libphonenumber for phones (extra ``dev``), a generic pattern for mails, nothing for national ids.

    Presidio's own phone recogniser is this matcher with its default regions, and its mail recogniser such a pattern.
    """
    try:
        import phonenumbers
    except ImportError:
        return None

    def find(text: str) -> list[tuple[int, int, str]]:
        found = {(m.start, m.end, "PHONE") for r in regions for m in phonenumbers.PhoneNumberMatcher(text, r)}
        return [*found, *((m.start(), m.end(), "EMAIL") for m in _GENERIC_MAIL.finditer(text))]

    return find


_PRESIDIO = {  # its entities as ours: those of its recognisers by pattern that any language has
    "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "URL": "PROFILE",
}  # fmt: skip


def by_presidio(regions: tuple[str, ...] | None) -> Finder | None:
    """Presidio's recognisers by pattern, without a language model: so no names and places. None is of Bangladesh."""
    try:
        import tldextract
        from presidio_analyzer.predefined_recognizers import (
            CreditCardRecognizer,
            EmailRecognizer,
            IbanRecognizer,
            PhoneRecognizer,
            UrlRecognizer,
        )
    except ImportError:
        return None
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # its own list, nothing is fetched
    phones = PhoneRecognizer(supported_regions=regions) if regions else PhoneRecognizer()
    kinds = [phones, EmailRecognizer(), CreditCardRecognizer(), IbanRecognizer(), UrlRecognizer()]

    def find(text: str) -> list[tuple[int, int, str]]:
        results = (r for kind in kinds for r in kind.analyze(text, kind.supported_entities, None))
        return [(r.start, r.end, _PRESIDIO[r.entity_type]) for r in results]

    return find


def finders() -> dict[str, Finder]:
    """Every finder that can run here."""
    presidio = by_presidio(None)
    found: dict[str, Finder | None] = {
        "millionx": ours,
        "phonenumbers (BD)": by_phonenumbers(("BD",)),
        "Presidio": presidio,
        "Presidio (BD)": by_presidio(("BD",)),
        "as Presidio by default": None if presidio else by_phonenumbers(_PRESIDIO_REGIONS),
        "naive regexes": naive,
    }
    return {name: finder for name, finder in found.items() if finder is not None}


def score(finder: Finder, sample: list[Post]) -> tuple[dict[str, dict[str, float]], Counter[str], list[str]]:
    """Figures by entity, misses by form, and texts that went wrong."""
    right, wrong, found, missed = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    forms, examples = Counter[str](), []
    for post in sample:
        spans = finder(post.text)
        covered = {entity: {i for s, e, kind in spans if kind == entity for i in range(s, e)} for entity in ENTITIES}
        labelled = [form for form in post.forms if form != "trap"]
        for (start, end, entity), form in zip(post.labels, labelled, strict=True):
            if all(i in covered[entity] for i in range(start, end) if post.text[i].isalnum()):
                found[entity] += 1
            else:
                missed[entity] += 1
                forms[form] += 1
                examples.append(f"missed {form}: {post.text}")
        for start, end, entity in spans:
            if any(kind == entity and start < e and s < end for s, e, kind in post.labels):
                right[entity] += 1
            else:
                wrong[entity] += 1
                examples.append(f"wrong {entity} {post.text[start:end]!r}: {post.text}")
    figures = {}
    for entity in ENTITIES:
        precision = right[entity] / max(1, right[entity] + wrong[entity])
        recall = found[entity] / max(1, found[entity] + missed[entity])
        f2 = 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0
        labels = float(found[entity] + missed[entity])
        figures[entity] = {"labels": labels, "precision": precision, "recall": recall, "f2": f2}
    return figures, forms, examples


_LEFT = {  # what of a scrubbed text a person would still take for personal data; not the finder's own patterns
    "nine digits or more": lambda text: re.search(r"\d{9,}", _all_digits(text)) is not None,
    "digits of a mobile": lambda text: re.search(r"01[3-9]\d{6,}|8801[3-9]\d{6,}", _all_digits(text)) is not None,
    "an at sign in a word": lambda text: re.search(r"\S@\S", text) is not None,
    "a link": lambda text: (
        re.search(r"(facebook|fb|instagram|tiktok)\.com/|wa\.me|t\.me|m\.me", text.lower()) is not None
    ),
}


def _all_digits(text: str) -> str:
    """Every digit of any script; anything but white space and marks between two digits parts them."""
    found = "".join(str(unicodedata.digit(char, "")) if char.isdigit() else char for char in text)
    return re.sub(r"(?<=\d)[^\w]{1,3}(?=\d)", "", found)


def residuals(files: list[Path], shown: int) -> int:
    """Finds by kind in these files, and the lines in which the oracle still sees something after them."""
    found, left, examples = Counter[str](), Counter[str](), []
    scrubber = Scrubber()
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        spans = recognisers.find(line)
        found.update(span.entity for span in spans)
        rest = line
        for start, end, entity in reversed(spans):
            rest = f"{rest[:start]}[{entity}]{rest[end:]}"
        once = scrubber.text(line)
        if scrubber.text(once) != once:
            left["not the same when scrubbed again"] += 1
        for name, sees in _LEFT.items():
            if sees(rest):
                left[name] += 1
                examples.append(f"{name}: {rest}")
    print(f"{len(lines)} lines; found: {dict(found.most_common())}; left by the oracle: {dict(left) or 'nothing'}")
    for line in examples[:shown]:
        print("  " + line[:_SHOWN])
    return 0


def table(results: dict[str, tuple[dict[str, dict[str, float]], Counter[str], list[str]]]) -> None:
    """Recall and precision by kind, a column a finder; a dash: it looks for nothing of the kind."""
    print("\n| kind | labels | " + " | ".join(results) + " |\n|" + "---|" * (len(results) + 2))
    for entity in ENTITIES:
        rows = [figures[entity] for figures, _, _ in results.values()]
        cells = [f"{row['recall']:.3f} / {row['precision']:.3f}" if row["precision"] else "—" for row in rows]
        print(f"| {entity} | {rows[0]['labels']:.0f} | " + " | ".join(cells) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--misses", type=int, default=5, help="examples of our own mistakes to print")
    options = parser.parse_args()
    if options.files:
        return residuals(options.files, options.misses)
    sample = posts(options.posts, options.seed)
    results = {name: score(finder, sample) for name, finder in finders().items()}
    print(f"{len(sample)} posts, {sum(len(post.labels) for post in sample)} labels, seed {options.seed}")
    table(results)
    _, forms, examples = results["millionx"]
    print("missed forms:", dict(forms.most_common()) or "none")
    for line in examples[: options.misses]:
        print("  " + line)
    if options.json:
        options.json.write_text(json.dumps({name: figures for name, (figures, _, _) in results.items()}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
