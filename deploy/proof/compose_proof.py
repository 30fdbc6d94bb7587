"""Prove the container deployment in a real engine: ``make compose-proof``.

    python -m deploy.proof.compose_proof [--only STAGE …] [--from REVISION] [--json FILE] [--markdown FILE]

Every image is built, the file is brought up as it is, and what ``docs/deploy-compose.md`` promises is done to it. Each
stage says what it measured; the first that fails ends the proof with exit code 1. Where no engine can be had it says
why and exits with 0: skipped. Everything that the engine changed on the machine is put back.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

from deploy.proof import images, standins
from deploy.proof.engine import WORK, Engine, UnavailableError, engine
from deploy.proof.installation import Installation, copy, until
from deploy.proof.upgrade import upgrade

SOURCES = ("weather", "shopify", "daraz", "tiktok", "facebook", "webhook")
IDLE_S = 60
OUTSIDE = ("vendors", "warehouse")  # what stands for the world outside


class Proof:
    """The stages, and the table that they fill: stage -> what was measured."""

    def __init__(self, engine: Engine, revision: str = "") -> None:
        self.engine, self.seed = engine, 1
        self.table: dict[str, dict[str, object]] = {}
        self.parts: dict[str, dict[str, float]] = {}
        self.clean = copy(WORK / "clean")
        self.there = Installation(engine, copy(WORK / "project", revision))
        self.there.prepare(standins.named()["python"])

    def run(self, stages: list[str]) -> None:
        """Run them in order, and print what each measured."""
        for name in stages:
            began = time.monotonic()
            print(f"{name}: …", file=sys.stderr, flush=True)
            found = getattr(self, name)()
            self.table[name] = found | {"s": round(time.monotonic() - began), "load": round(os.getloadavg()[0], 1)}
            print(f"{name}: {shown(self.table[name])}", flush=True)

    def stand_ins(self) -> dict[str, object]:
        """The images of others, from packages."""
        return {"images": len(standins.build(self.engine))}

    def build(self) -> dict[str, object]:
        """A release: every target of the Dockerfile, tagged by the script."""
        return images.release(self.engine, self.clean)

    def up(self) -> dict[str, object]:
        """From empty volumes to all healthy."""
        began = time.monotonic()
        self.there.compose("up", "--detach")
        returned = time.monotonic() - began
        self.there.well()
        healthy = time.monotonic() - began
        self.there.mxctl("plan", "--detailed-exitcode")
        found = self.there.containers()
        return {"returned after s": round(returned), "healthy after s": round(healthy), "containers": len(found),
                "plan": "no changes"}  # fmt: skip

    def producers(self) -> dict[str, object]:
        """All producers read the vendors' sandbox to its end, each in its own container."""
        self.there.profiles = SOURCES
        self.there.compose("up", "--detach", "--no-recreate")
        self.there.well()
        return self.read(time.time() - 3600)

    def read(self, since: float) -> dict[str, object]:
        """Wait until every producer ended a run that began after ``since``; what each sent."""
        sent: dict[str, object] = {}

        def all_read() -> bool:
            for source in SOURCES[:-1]:
                container = self.there.containers()[source]["Id"]
                log = self.engine.docker("logs", "--since", str(int(since)), container)
                runs = [one for one in documents(log) if "records" in one]
                if runs:
                    sent[source] = sum(runs[-1]["records"].values())
            return len(sent) == len(SOURCES) - 1

        until(all_read, 600, lambda: f"have not read to the end: {set(SOURCES[:-1]) - set(sent)}")
        return sent

    def canary(self) -> dict[str, object]:
        """A marked record of every source reaches its store, and no store differs from its topic."""
        self.there.mxctl("canary", "--once", "--timeout", "180s")
        stores: list[dict[str, Any]] = []

        def agrees() -> bool:
            said = documents(self.there.mxctl("audit", "--output", "json", check=False))
            stores[:] = said[-1]["stores"] if said and "stores" in said[-1] else []
            return bool(stores) and said[-1]["agrees"] and not any(one["pending"] for one in stores)

        until(agrees, 300, lambda: "stores differ:\n" + self.there.mxctl("audit", check=False)[-1500:])
        return {"canary": "arrived", "audit": "no difference"} | {one["store"]: one["stored"] for one in stores}

    def idle(self) -> dict[str, object]:
        """What all containers use while only canaries pass."""
        before = self.there.usage()
        time.sleep(IDLE_S)
        after = self.there.usage()
        self.parts = {
            name: {
                "memory MB": round(memory / 1e6),
                "limit MB": round(limit / 1e6),
                "CPU s a minute": round((cpu - before.get(name, (cpu,))[0]) * 60 / IDLE_S, 1),
            }
            for name, (cpu, memory, limit) in sorted(after.items())
            if name not in OUTSIDE
        }
        return {
            "memory GB": round(sum(int(one["memory MB"]) for one in self.parts.values()) / 1000, 2),
            "CPU s a minute": round(sum(float(one["CPU s a minute"]) for one in self.parts.values()), 1),
        }

    def again(self) -> dict[str, object]:
        """A second ``up`` replaces nothing, and ends well."""
        before = {name: one["Id"] for name, one in self.there.containers().items()}
        self.there.compose("up", "--detach")
        waited = self.there.well()
        after = {name: one["Id"] for name, one in self.there.containers().items()}
        replaced = [name for name in before if before[name] != after.get(name)]
        if replaced:
            raise SystemExit(f"Error: a second up replaced {replaced}")
        return {"replaced": 0, "healthy after s": round(waited)}

    def stop(self) -> dict[str, object]:
        """``stop`` while the producers read, ``start``, and nothing is lost."""
        self.load()
        began = time.monotonic()
        self.there.compose("stop", *(name for name in self.there.containers() if name not in OUTSIDE))
        stopped = time.monotonic() - began
        codes = {name: one["State"]["ExitCode"] for name, one in self.there.containers().items()}
        killed = [name for name, code in codes.items() if code == 137 and name not in OUTSIDE]
        if killed:
            raise SystemExit(f"Error: these did not stop in their time: {killed}")
        began = time.monotonic()
        self.there.compose("start")
        self.there.well()
        healthy = time.monotonic() - began
        return {"stopped in s": round(stopped), "killed": 0, "healthy after s": round(healthy)} | self.canary()

    def load(self) -> None:
        """New data at the vendors, and the producers begin to read it."""
        self.seed += 1
        self.there.settings["VENDORS_SEED"] = str(self.seed)
        self.there.compose("up", "--detach", "--no-deps", "vendors")
        self.there.compose("restart", "--no-deps", *SOURCES[:-1])

    def power_loss(self) -> dict[str, object]:
        """Every container is killed at once; no order holds when they come back."""
        self._kill(*(name for name, one in self.there.containers().items() if one["State"]["Running"]))
        return {"healthy after s": round(self.there.well())} | self.canary()

    def _kill(self, *names: str) -> None:
        """Kill these services' containers, and wait until their restart policy started them again."""
        before = self.there.containers()
        killed = [name for name in names if name not in OUTSIDE]
        for name in killed:
            os.kill(int(before[name]["State"]["Pid"]), signal.SIGKILL)

        def back() -> bool:
            now = self.there.containers()
            return all(now[name]["RestartCount"] > before[name]["RestartCount"] for name in killed)

        until(back, 300, lambda: f"not all of these were started again: {killed}")

    def lost_broker(self) -> dict[str, object]:
        """The broker is killed under load; its restart policy brings it back, and nothing is lost."""
        self.load()
        self._kill("kafka")
        return {"healthy after s": round(self.there.well())} | self.canary()

    def full_volume(self) -> dict[str, object]:
        """The broker's disk fills up under load; once there is room again, all is well without a hand."""
        full = WORK / "disk" / "data" / ".full"
        free = int(self.there.inside("stat", "-f", "-c", "%a", full.parent)) * 4096
        self.load()
        self.there.inside("fallocate", "-l", str(max(free - (8 << 20), 1)), full)
        rest = ("dd", "if=/dev/zero", f"of={full}", "bs=4k", "oflag=append", "conv=notrunc")
        self.there.inside(*rest, check=False)  # to the last block: it ends when there is none
        until(lambda: "kafka" in self.there.not_well(), 300, lambda: "the broker did not notice its full disk")
        hurt = sorted(self.there.not_well())
        self.there.inside("rm", full)
        return {"then not healthy": " ".join(hurt), "healthy after s": round(self.there.well())} | self.canary()

    def new_images(self) -> dict[str, object]:
        """New images under the names in use: ``up`` replaces what runs the old ones, and the volumes stay."""
        before = {name: one["Image"] for name, one in self.there.containers().items()}
        for tag in map(images.tag, images.TARGETS):
            changed = f"FROM {tag}\nLABEL bd.millionx.proof={time.time():.0f}\n"
            self.engine.docker("build", "--tag", tag, "-", input=changed)
        began = time.monotonic()
        self.there.compose("up", "--detach")
        self.there.well()
        now = {name: one["Image"] for name, one in self.there.containers().items()}
        replaced = sum(before[name] != image for name, image in now.items())
        if not replaced:
            raise SystemExit("Error: up replaced nothing, though the images are new")
        return {"replaced": replaced, "healthy after s": round(time.monotonic() - began)} | self.canary()

    def upgrade(self) -> dict[str, object]:
        """An installation of an older revision, with its data, becomes one of this."""
        return upgrade(self, SOURCES)

    def markdown(self) -> str:
        """Both tables, as the docs show them."""
        lines = ["| stage | measured | s | load |", "|---|---|---|---|"]
        for name, found in self.table.items():
            said = shown({key: value for key, value in found.items() if key not in ("s", "load")})
            lines.append(f"| {name.replace('_', ' ')} | {said} | {found['s']} | {found['load']} |")
        lines += ["", "| container | memory MB | limit MB | CPU s a minute, idle |", "|---|---|---|---|"]
        lines += [f"| {name} | {' | '.join(map(str, one.values()))} |" for name, one in self.parts.items()]
        return "\n".join(lines) + "\n"


def documents(text: str) -> list[dict[str, Any]]:
    """The JSON objects that ``text`` holds, each beginning on a line of its own."""
    found, decoder = [], json.JSONDecoder()
    for start in re.finditer(r"^\{", text, re.MULTILINE):
        with contextlib.suppress(json.JSONDecodeError):
            found.append(decoder.raw_decode(text, start.start())[0])
    return found


def shown(found: dict[str, object]) -> str:
    """One line."""
    return ", ".join(f"{key} {value}" for key, value in found.items())


STAGES = ["stand_ins", "build", "up", "producers", "canary", "idle", "again", "stop", "power_loss", "lost_broker",
          "full_volume", "new_images"]  # fmt: skip


def main() -> int:
    """Run the stages; 0 when all held or no engine can be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=STAGES, help="these stages alone; repeatable")
    parser.add_argument("--from", dest="revision", default="", help="the upgrade from this revision, alone")
    parser.add_argument("--json", type=Path, default=WORK / "proof.json")
    parser.add_argument("--markdown", type=Path, default=WORK / "proof.md")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as for Ctrl-C: put everything back
    try:
        with engine() as running:
            proof = Proof(running, given.revision)
            try:
                proof.run(["upgrade"] if given.revision else given.only or STAGES)
            finally:
                given.json.write_text(json.dumps({"stages": proof.table, "parts": proof.parts}, indent=1) + "\n")
                given.markdown.write_text(proof.markdown())
                proof.there.remove()
    except UnavailableError as error:
        print(f"skipped: no container engine: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
