"""What the weights of an encoder are, in whichever form their files have."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glue.errors import ConfigError
from glue.files import sha256_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from glue.embedding.declared import Model

Floats = NDArray[np.float32]


class Blocks(NamedTuple):
    """A matrix in blocks of 32 columns: whole numbers, and the scale of each block."""

    codes: NDArray[np.int8]
    scales: NDArray[np.float16]


@dataclass(frozen=True)
class Shape:
    """The architecture of a BERT encoder."""

    layers: int
    heads: int
    epsilon: float
    width: int


class Weights(ABC):
    """Files of one model.

    Attributes:
        file: that holds the parameters.

    Raises:
        ConfigError: it, or another one that is needed, is not there.
    """

    file: Path

    def __init__(self, model: Model, file: Path, *more: Path) -> None:
        self._model, self.file = model, file
        for one in (file, *more):
            if not one.is_file():
                raise self.wrong(f"{one} is missing", "install the weights again")

    def wrong(self, why: str, fix: str = "") -> ConfigError:
        """That they are not what is declared, or cannot be used."""
        return ConfigError(f"embedding model {self._model.name}", why, fix)

    @abstractmethod
    def shape(self) -> Shape:
        """The architecture.

        Raises:
            ConfigError: the graph does not build what the files ask for; the message names it.
        """

    @abstractmethod
    def tensors(self) -> Mapping[str, Floats | Blocks]:
        """The parameters by the names that BERT's have in transformers."""

    @abstractmethod
    def tokenizer(self, texts: Sequence[str] | None = None) -> tuple[Tokenizer, Sequence[int] | None]:
        """A tokenizer, and the model's number of each of its pieces; None where these are its own.

        Args:
            texts: those that it will be given; None for any.
        """

    def fingerprint(self, known: Path | None = None) -> str:
        """SHA-256 of the parameters' file, in hex.

        Args:
            known: folder in which the hash of a file of this name, size and time is noted and looked up.
        """
        status = self.file.stat()
        name = hashlib.sha256(f"{self.file} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]
        note = known / f"weights-{name}.sha256" if known else None
        if note and note.is_file() and len(found := note.read_text()) == hashlib.sha256().digest_size * 2:
            return found
        found = sha256_of(self.file)
        if note:
            with suppress(OSError):  # of a read-only image: then it is computed each time
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(found)
        return found
