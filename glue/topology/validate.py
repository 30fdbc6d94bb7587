"""Is what is declared right? By itself, and, with a cluster, by the cluster's own word. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable

from glue.errors import ConfigError
from glue.topology.kinds import KINDS
from glue.topology.model import Declared, Problem
from glue.topology.rules import RULES, SAFETY
from glue.topology.services import Services


def problems(declared: Declared) -> list[Problem]:
    """Everything wrong with the declared state: what loading found, then each kind's rules, then those across kinds."""
    rules = [*(rule for kind in KINDS.values() for rule in kind.rules), *RULES]
    found = [*declared.problems, *(problem for rule in rules for problem in rule(declared))]
    return list(dict.fromkeys(found))


def validate_live(services: Services, declared: Declared) -> list[Problem]:
    """What the cluster says: plugins, their validation, keys they do not know, compatibility, number of copies.

    Raises:
        ServiceUnavailableError: the cluster does not answer.
    """
    return [problem for kind in reversed(KINDS.values()) for problem in kind.validate(services, declared)]


def refuse_unsafe(declared: Declared) -> None:
    """Raise where what is declared would let personal data or a secret out, whatever else is wrong with it.

    Raises:
        ConfigError: it would.
    """
    _refuse([problem for rule in SAFETY for problem in rule(declared) if not problem.warning])


def refuse_problems(declared: Declared, kinds: Iterable[str] = KINDS) -> None:
    """Raise for the errors in the files of these kinds, all of them in one.

    Raises:
        ConfigError: there are some.
    """
    wanted = {None, *kinds}
    _refuse([one for one in problems(declared) if not one.warning and kind_of(one) in wanted])


def _refuse(found: list[Problem]) -> None:
    if found:
        why = "\n       ".join(map(str, found))
        fixes = "; ".join(dict.fromkeys(problem.fix for problem in found if problem.fix))
        raise ConfigError(f"declared topology ({len(found)} problem{'s' if len(found) > 1 else ''})", why, fixes)


def kind_of(problem: Problem) -> str | None:
    """The kind that the file declares; None where it is about all of them (a profile).

    Files given on the command line lie anywhere, and declare connectors.
    """
    file = problem.file
    if file is None or file.parent.name == "profiles":
        return None
    return next((kind.name for kind in KINDS.values() if kind.declares(file)), "connector")
