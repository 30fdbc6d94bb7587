"""The stack as a whole: up, down, status."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from glue.errors import MillionXError
from glue.files import one_at_a_time
from glue.local import cds, ports, process
from glue.local.connect import Connect
from glue.local.downloads import Fetcher
from glue.local.kafka import Kafka
from glue.local.keys import hash_keys
from glue.local.lifecycle import PartStatus, bring_down, bring_up, status
from glue.local.monitoring import MONITORING
from glue.local.oidc import Oidc
from glue.local.part import Part, Site
from glue.local.redis import Redis
from glue.local.registry import Registry
from glue.local.report import Reporter
from glue.local.security import security_of
from glue.local.services import Chain, Ui, apply_everything, apply_topics, chains
from glue.local.size import MOST_WORKERS, size_of
from glue.local.state import PartState, State
from glue.local.warehouse import Warehouse
from glue.local.weaviate import Weaviate
from glue.settings import Settings, cache_dir, get_settings
from glue.topology.load import project_folder

PARTS: tuple[Part, ...] = (Kafka(), Registry(), Connect(), Redis(), Warehouse(), Weaviate())
EXTRAS: dict[str, tuple[Part, ...]] = {"monitoring": MONITORING}  # on top of the pipeline, for those who ask
# What the declared files say more on a stack that is secured, that has several brokers, or both.
PROFILES = {(True, False): "secure", (False, True): "replicated", (True, True): "secure-replicated"}
Result = TypeVar("Result")
NEEDED_BYTES = 1 << 30  # free where the stack keeps its data
PURGE = "purge"  # file that says that its data is being deleted


class Stack:
    """The stack that lives in one folder."""

    def __init__(self, root: Path, report: Reporter | None = None, parts: Sequence[Part] = PARTS) -> None:
        self.root = root.resolve()
        self.size = size_of(self.root)
        several = (one for part in parts for one in part.copies(self.size))
        self.parts = (*((Oidc(),) if security_of(self.root) else ()), *several)
        self.report = report or Reporter()

    def site(self) -> Site:
        """Where it is, and what is known of it."""
        state, halt = State(self.root / "state.json"), threading.Event()
        fetcher = Fetcher(self.report, halt)
        return Site(self.root, state, get_settings(), fetcher, self.report, halt, security_of(self.root), self.size)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one ``up`` or ``down`` at a time work on this stack."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # Kafka's files and logs hold what sources brought
        waiting = "another mxctl is starting or stopping this stack: waiting for it"
        with one_at_a_time(self.root / "lock", lambda: self.report.event("stack", waiting)):
            yield

    def up(self, services: bool = True, wait: bool = True, extras: Collection[str] = ()) -> Settings:
        """Start what does not run, restart what is unhealthy; the settings to reach it, when every part is healthy.

        Args:
            services: also apply the declared topology and start a service for every transform chain.
            wait: for a part that is busy before it can serve (a first build of Weaviate), too; else that part, and
                what needs it, is left for the next call.
            extras: names in :data:`EXTRAS`; they watch the whole pipeline, so they need ``services``. What of them
                runs already is looked after without being named.

        Raises :class:`glue.local.lifecycle.PartFailedError` for the first part that did not start; the others stay up,
        so that the next call, after the fix, has less to do.
        """
        with self._alone():
            began = time.monotonic()
            project_folder(get_settings())
            self._finish_purge()
            self._check_space()
            site = self.site()
            for part in self.parts:
                part.check(site)
            services_parts: tuple[Part, ...] = (*chains(self.size.instances), Ui()) if services else ()
            self._end_surplus(site)
            watchers = self._extras(site, extras) if services else ()
            for part in watchers:
                part.check(site)
            self._choose_ports(site, (*self.parts, *services_parts, *watchers))
            self._save_settings(site)
            complete = self._start(site, services_parts, services, wait)
            if complete:
                _in_parallel(lambda part: bring_up(part, site), watchers)
                cds.make_later(self.root, [part.launch(site) for part in self.parts])
            took = f"{time.monotonic() - began:.1f} s"
            rest = "" if complete else "; not complete yet: see mxctl local status, then run mxctl local up again"
            self.report.event("stack", f"up in {took}{rest}")
            for part in services_parts:
                if (note := part.note(site)) and process.find(site.state.part(part.name)):
                    self.report.event(part.name, note)
            get_settings.cache_clear()  # this process may have read them when there were no addresses
            return Settings(**site.state.settings)

    def _start(self, site: Site, services: tuple[Part, ...], topology: bool, wait: bool) -> bool:
        """The parts, then the topology and the services; whether all of it is there."""
        with ThreadPoolExecutor(len(self.parts) + len(services)) as pool:
            try:
                _collect([pool.submit(bring_up, part, site) for part in self.parts if part.early], self.report)
                rest = [part for part in self.parts if not part.early]
                slow = [pool.submit(bring_up, part, site, wait) for part in rest if part.slow]
                _collect([pool.submit(bring_up, part, site) for part in rest if not part.slow], self.report)
                flowing: list[Future[bool]] = []
                extra: dict[str, Future[bool]] = {}
                if topology:
                    apply_topics(site)
                    flowing = [pool.submit(bring_up, part, site) for part in services if not part.optional]
                    extra = {part.name: pool.submit(bring_up, part, site) for part in services if part.optional}
                complete = all(_collect(slow, self.report))
                if topology and complete:
                    apply_everything(site)
                _collect(flowing, self.report)
                _report_optional(extra, self.report)
            except BaseException:
                site.halt.set()  # or the pool would wait for what nobody needs any more
                raise
        return complete

    def _extras(self, site: Site, named: Collection[str], running: bool = True) -> tuple[Part, ...]:
        """The parts of the extras that are named, and those that run."""
        return tuple(
            part
            for name, parts in EXTRAS.items()
            for part in parts
            if name in named or (running and process.find(site.state.part(part.name)) is not None)
        )

    def _end_surplus(self, site: Site) -> None:
        """End the workers and instances of chains of a time when there were more of them."""
        beyond = range(self.size.workers + 1, MOST_WORKERS + 1)
        mine = {one.name for one in chains(self.size.instances)}
        for part in (*map(Connect, beyond), *chains(beyond)):
            if part.name in site.state.parts and part.name not in mine:
                bring_down(part, site)
                del site.state.parts[part.name]

    def _save_settings(self, site: Site) -> None:
        for part in self.parts:
            site.state.settings |= part.settings(site)
        if site.settings.profile == "local":
            found = PROFILES.get((site.security is not None, self.size.brokers > 1))
            site.state.settings |= {"profile": found} if found else {}
        site.state.settings["hash_keys_file"] = str(hash_keys(self.root / "secrets" / "hash-keys.json"))
        site.state.save()

    def _check_space(self) -> None:
        cache_dir().mkdir(parents=True, exist_ok=True)  # what forbids it is told before a part starts
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            why = f"{free >> 20} MB are free there, {NEEDED_BYTES >> 20} MB are needed"
            fix = "free some space, or set MXCTL_STATE_DIR to a folder on another disk"
            raise MillionXError(f"starting the local stack in {self.root}", why, fix)

    def _choose_ports(self, site: Site, parts: Iterable[Part]) -> None:
        """Give every part its ports: those it had, unless another program took one meanwhile."""
        taken = {port for part in site.state.parts.values() for port in part.ports.values()}
        for part in parts:
            state = site.state.part(part.name)
            if process.find(state) is not None:
                # One that an older version started may lack a port that is new.
                new = [name for name in part.ports if name not in state.ports]
                state.ports |= dict(zip(new, ports.choose(len(new), taken), strict=True))
                taken.update(state.ports.values())
                continue
            had = [state.ports[name] for name in part.ports if name in state.ports]
            kept = len(had) == len(part.ports)
            if kept and not all(map(ports.is_free, had)):  # perhaps the part has them, whose note of its start was lost
                process.stop(state, self.root, part.name, part.grace_s)
            if not kept or not all(map(ports.is_free, had)):
                if kept:
                    self.report.event(part.name, "another program took its port: choosing others")
                state.ports = dict(zip(part.ports, ports.choose(len(part.ports), taken), strict=True))
                taken.update(state.ports.values())

    def down(self, purge: bool = False) -> None:
        """End every process of the stack; ``purge`` also deletes its data."""
        if not self.root.exists():
            return
        with self._alone():
            try:
                site = self.site()
            except MillionXError as error:
                self.report.warning("stack", str(error))
                (self.root / "state.json").unlink()
                site = self.site()
            parts = self._known(site)
            for wave in sorted({part.wave for part in parts}, reverse=True):
                _in_parallel(lambda part: bring_down(part, site), [part for part in parts if part.wave == wave])
            process.stop(PartState(), self.root, None, 5)  # what no part knows of
            site.state.save()
            if purge:
                (self.root / PURGE).touch()
                self._finish_purge()
                self.report.event("stack", f"data in {self.root} deleted")

    def _finish_purge(self) -> None:
        """Delete everything, when that was begun: half of the data of a stack is worse than none."""
        if (self.root / PURGE).exists():
            for entry in self.root.iterdir():
                if entry.name not in ("lock", PURGE):
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            (self.root / PURGE).unlink()

    def dismiss(self, extras: Collection[str]) -> None:
        """End these extras and leave the pipeline alone."""
        with self._alone():
            site = self.site()
            _in_parallel(lambda part: bring_down(part, site), self._extras(site, extras, running=False))
            site.state.save()

    def _known(self, site: Site) -> list[Part]:
        """The parts of the stack, and a service for every chain that was started, declared still or not."""
        prefix = "chain-"
        names = [name.removeprefix(prefix) for name in site.state.parts if name.startswith(prefix)]
        others = (Ui(), *(part for parts in EXTRAS.values() for part in parts))
        started = [part for part in others if part.name in site.state.parts]
        return [*self.parts, *map(Chain, names), *started]

    def status(self) -> list[PartStatus]:
        """How every part is, with the tail of the log of those that died; services only where they were started."""
        site = self.site()
        parts = [part for part in self._known(site) if part in self.parts or site.state.part(part.name).pid]
        return _in_parallel(lambda part: status(part, site), parts)


def _collect(futures: Iterable[Future[bool]], report: Reporter) -> list[bool]:
    """The results, when all are there; of several errors the first is raised and the others are reported."""
    results: list[bool] = []
    errors: list[MillionXError] = []
    for future in futures:
        try:
            results.append(future.result())
        except MillionXError as error:
            errors.append(error)
    for other in errors[1:]:
        report.warning("stack", f"also failed: {other}")
    if errors:
        raise errors[0]
    return results


def _report_optional(futures: Mapping[str, Future[bool]], report: Reporter) -> None:
    """Wait for parts that the stack can do without; a failure is only reported."""
    for name, future in futures.items():
        try:
            future.result()
        except MillionXError as error:
            report.warning(name, f"the stack is up without it: {error}")


def _in_parallel(action: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    with ThreadPoolExecutor(max(len(parts), 1)) as pool:
        return list(pool.map(action, parts))
