"""The declared topology on the local stack: topics and schemas first, so that the services can start, then the rest."""

from __future__ import annotations

from glue.local.part import Site
from glue.settings import Settings
from glue.topology.apply import apply_all
from glue.topology.model import Kind
from glue.topology.progress import Event


def apply_topics(site: Site) -> None:
    """Bring topics and subjects to what is declared."""
    _apply(site, (Kind.TOPIC, Kind.SUBJECT))


def apply_everything(site: Site) -> None:
    """Bring all of it to what is declared, and wait until every task of every connector runs."""
    _apply(site, tuple(Kind))


def _apply(site: Site, kinds: tuple[Kind, ...]) -> None:
    def show(event: Event) -> None:
        site.report.progress("topology", str(event))

    outcome = apply_all(Settings(**site.state.settings), kinds=kinds, progress=show)
    changed = f"{len(outcome.changes)} changes" if outcome.changes else "as declared"
    site.report.event("topology", f"{', '.join(f'{kind}s' for kind in kinds)}: {changed} ({outcome.seconds:.1f} s)")
