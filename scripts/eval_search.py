"""How well search finds posts in Bengali letters: by meaning, and by words under two of Weaviate's tokenizations.

For each of 40 Bengali words that stand in 10 to 60 lines of FILE: the share of the first ten hits that hold the word.
That is a low bar, and a plain one: who types a word expects posts with it. Needs a running Weaviate (`mxctl local up`).

    python scripts/eval_search.py FILE [-o table|json]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from weaviate.classes.config import Configure, DataType, Property, Tokenization

from glue.embedding import open_embedder
from glue.settings import get_settings
from glue.stores.weaviate.client import open_client

WORDS, HITS, BATCH = 40, 10, 64
TOKENIZATIONS = (Tokenization.WORD, Tokenization.LOWERCASE)
SHARES = (None, 0.75, 0.5, 0.25, 0.0)


def questions(lines: list[str]) -> list[str]:
    """Words that are neither rare nor everywhere, the frequent ones first."""
    count = Counter(word for line in lines for word in sorted(set(re.findall(r"[\u0980-\u09ff]{4,}", line))))
    return [word for word, lines_with in count.most_common() if 10 <= lines_with <= 60][:WORDS]


def precision(collection: Any, asked: dict[str, list[float]], share: float | None) -> float:
    """Mean share of hits that hold the word."""
    good = 0
    for word, vector in asked.items():
        if share is None:
            answer = collection.query.near_vector(vector, limit=HITS)
        else:
            answer = collection.query.hybrid(word, vector=vector, alpha=share, limit=HITS)
        good += sum(word in hit.properties["content"] for hit in answer.objects)
    return round(good / len(asked) / HITS, 3)


def evaluate(lines: list[str]) -> list[dict[str, Any]]:
    """A row a tokenization and share of meaning (None: meaning alone)."""
    embedder = open_embedder()
    batches = [lines[at : at + BATCH] for at in range(0, len(lines), BATCH)]
    vectors = [vector.tolist() for batch in batches for vector in embedder.embed(batch)]
    asked = {word: embedder.embed([word])[0].tolist() for word in questions(lines)}
    embedder.close()
    if not asked:
        raise SystemExit("no Bengali word stands in 10 to 60 lines of the file")
    settings, rows = get_settings(), []
    with open_client(settings.weaviate, settings.weaviate_grpc, grpc_secure=False) as client:
        for tokenization in TOKENIZATIONS:
            name = f"Eval{uuid.uuid4().hex[:8]}"
            text = Property(name="content", data_type=DataType.TEXT, tokenization=tokenization)
            collection = client.collections.create(
                name, properties=[text], vector_config=Configure.Vectors.self_provided()
            )
            try:
                with collection.batch.dynamic() as batch:
                    for line, vector in zip(lines, vectors, strict=True):
                        batch.add_object({"content": line}, vector=vector)
                for share in SHARES:
                    found = precision(collection, asked, share)
                    rows.append(
                        {"tokenization": tokenization.value, "share_of_meaning": share, "precision_at_10": found}
                    )
            finally:
                client.collections.delete(name)
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    given = parser.parse_args()
    lines = sorted({line.strip() for line in given.file.read_text(encoding="utf-8").splitlines() if line.strip()})
    rows = evaluate(lines)
    if given.output == "json":
        print(json.dumps(rows))
        return 0
    for row in rows:
        share = "meaning alone" if row["share_of_meaning"] is None else f"meaning {row['share_of_meaning']:.0%}"
        print(f"{row['tokenization']:<12} {share:<14} {row['precision_at_10']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
