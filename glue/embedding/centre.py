"""What any short question has in common, which a query's vector is taken without.

A model sees in a query first of all that it is a short question in its language: the vectors of all of them point one
way, and the posts that lie that way are near to every query. Without the mean of usual questions what is particular
remains. The vectors of posts stay as the model gives them, so nothing is embedded anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from glue.files import write_whole
from glue.language.lexicon import lines
from glue.language.words import Language
from glue.settings import cache_dir

QUESTIONS = "questions.tsv"
Matrix = NDArray[np.float32]
_COLUMNS: tuple[Language, ...] = ("en", "bn", "bn-Latn")


def questions() -> dict[Language, list[str]]:
    """Usual questions by language; those of a line mean the same."""
    rows = [line.split("\t") for line in lines(QUESTIONS)]
    return {language: [row[column] for row in rows] for column, language in enumerate(_COLUMNS)}


def centres(namespace: str, embed: Callable[[Sequence[str], Language], Matrix]) -> dict[Language, NDArray[np.float32]]:
    """The mean vector of the usual questions in each language.

    They are computed once on a machine and kept in the cache folder; where that cannot be written, in each process.

    Args:
        namespace: what decides a vector: model, variant, fingerprint of the weights.
        embed: vectors of questions in a language.
    """
    asked = questions()
    seed = hashlib.sha256(f"{namespace} {asked}".encode()).hexdigest()[:16]
    file = cache_dir() / "embedding" / f"questions-{seed}.npy"
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        return dict(zip(asked, np.load(file, allow_pickle=False), strict=True))
    found = {language: embed(texts, language).mean(axis=0) for language, texts in asked.items()}
    content = io.BytesIO()
    np.save(content, np.stack(list(found.values())))
    with contextlib.suppress(OSError):
        write_whole(file, content.getvalue())
    return found


def without(vectors: Matrix, centre: NDArray[np.float32]) -> Matrix:
    """The vectors less the centre, each of length 1 again."""
    left = vectors - centre
    return left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-12)  # type: ignore[no-any-return]
