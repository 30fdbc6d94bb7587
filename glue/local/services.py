"""What runs on the parts: the declared topology, and this project's own programs (a service a chain, the page)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch, python
from glue.local.size import numbered
from glue.settings import Settings, project_root
from glue.topology import operate
from glue.topology.apply import Options, apply_all
from glue.topology.change import Event
from glue.topology.kinds import KINDS
from glue.topology.load import load
from glue.topology.services import Services
from glue.topology.wait import ConnectorFailedError

STABLE_S = 2  # a task that does not start fails sooner; who waits here waits for a pipeline to try
RESTART_S = 180  # for tasks that had failed to run again
LOCK_S = 180  # three times as long as the claim of a dead process stands


def apply_topics(site: Site) -> None:
    """Bring topics and subjects to what is declared."""
    _apply(site, ("topic", "subject"))


def apply_everything(site: Site) -> None:
    """Bring all of it to what is declared, and wait until every task of every connector runs.

    Tasks that had failed are restarted once: what they failed of may be what this start mended, and Connect itself
    never tries them again.

    Raises:
        ConnectorFailedError: a task fails anew.
    """
    try:
        _apply(site, tuple(KINDS))
    except ConnectorFailedError as error:
        settings = Settings(**site.state.settings)
        names = load(settings).connectors
        restarted = operate.restart(Services(settings), names, only_failed=True, timeout=RESTART_S)
        if not restarted:
            raise
        site.report.event("topology", f"restarted what had failed of {', '.join(restarted)}: {error.why}")


def _apply(site: Site, kinds: tuple[str, ...]) -> None:
    def show(event: Event) -> None:
        site.report.progress("topology", str(event))

    # An apply that was interrupted holds the cluster's lock until its claim runs out.
    options = Options(lock_timeout=LOCK_S, stable_for=STABLE_S)
    outcome = apply_all(Settings(**site.state.settings), kinds=kinds, progress=show, options=options)
    changed = f"{len(outcome.changes)} changes" if outcome.changes else "as declared"
    site.report.event("topology", f"{', '.join(f'{kind}s' for kind in kinds)}: {changed} ({outcome.seconds:.1f} s)")


def mxctl(site: Site, arguments: list[str], *files: Path, env: Mapping[str, str] | None = None) -> Launch:
    """A launch of ``mxctl ARGUMENTS`` for this stack.

    Its settings go as environment, which comes before a .env file: a program of this stack works on this stack.

    Args:
        files: what it reads when it starts; a change of them restarts it.
        env: further variables.
    """
    own = {f"MXCTL_{name.upper()}": str(value) for name, value in site.state.settings.items()}
    own["MXCTL_STATE_DIR"] = str(site.root)
    for name in ("config_dir", "schemas_dir", "profile", "log_level", "traces"):
        own.setdefault(f"MXCTL_{name.upper()}", str(getattr(site.settings, name)))
    return Launch([python(), "-m", "glue", *arguments], project_root(), {**own, **(env or {})}, files=files)


class Chain(Part):
    """``mxctl transforms run CHAIN``; healthy when records flow through it."""

    ports = ("http",)
    timeout_s = 180  # embedding loads its model first
    grace_s = 20  # it finishes the current batch
    wave = 3

    def __init__(self, chain: str, number: int = 1) -> None:
        self.chain, self.name, self.instance = chain, numbered(f"chain-{chain}", number), numbered("local", number)

    def launch(self, site: Site) -> Launch:
        port = str(site.port(self.name, "http"))
        folder = site.settings.config_dir
        profile = site.state.settings.get("profile", site.settings.profile)
        files = folder / "transforms" / f"{self.chain}.json", folder / "profiles" / f"{profile}.json"
        return mxctl(site, ["transforms", "run", self.chain, "--port", port, "--instance", self.instance], *files)

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/ready")


def chains(numbers: range) -> tuple[Chain, ...]:
    """Parts for every declared chain: the instances of these numbers."""
    from glue.transforms.declared import chain_names

    return tuple(Chain(name, number) for name in chain_names() for number in numbers)


class Ui(Part):
    """``mxctl ui``; healthy when it serves."""

    name = "ui"
    ports = ("http",)
    timeout_s = 60
    grace_s = 5
    wave = 3
    optional = True

    def launch(self, site: Site) -> Launch:
        # One arena: the threads that ask the services would each keep some memory of their own.
        return mxctl(site, ["ui", "--port", str(site.port(self.name, "http"))], env={"MALLOC_ARENA_MAX": "1"})

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/health")

    def note(self, site: Site) -> str:
        return f"open http://{site.address(self.name, 'http')}/"
