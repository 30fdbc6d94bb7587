"""What a host needs of the home of a plugin, of whichever kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from glue.connect_python.schemas import SchemaTable
from glue.connect_python.wire import Op

Handler = Callable[[list[Any]], list[Any]]


class Home(ABC):
    """Answers the requests to one plugin."""

    unforeseen: ClassVar[Op]  # what an exception that says nothing of itself is taken for
    handlers: dict[int, Handler]

    @abstractmethod
    def __init__(self, plugin: Any, schemas: SchemaTable, error_text: bool) -> None: ...

    @abstractmethod
    def configure(self, props: Mapping[str, str]) -> None:
        """Give the plugin its own options out of all that Connect gives."""
