"""A container engine for the proof: Debian's packages in a mount namespace of their own, reached by a unix socket only.

Nothing is installed on the machine. What an engine changes outside its namespace (bridges, packet filter, forwarding,
control groups) is noted before and put back after.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("MXCTL_CACHE_DIR") or Path.home() / ".cache" / "millionx") / "compose-proof"
WORK = ROOT / "build" / "compose-proof"
PACKAGES = "ca-certificates,docker.io,docker-cli,docker-compose,docker-buildx,containerd,runc,iptables,iproute2,tini"
NEEDED_BYTES = 20 << 30
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
GROUPS = Path("/sys/fs/cgroup")
UP_S = 120
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
OPEN = """*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
COMMIT
"""  # tables without a rule, of which iptables-save says nothing


class UnavailableError(Exception):
    """No engine can be had here; the text says why."""


def call(*command: str | Path, check: bool = True, **options: object) -> str:
    """Run a program; what it printed. With ``check``, a failure ends the proof with the program's last lines."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)  # type: ignore[call-overload]
    if check and done.returncode:
        shown = "\n".join(done.stdout.splitlines()[-25:])
        raise SystemExit(f"Error: {' '.join(map(str, command[:6]))} … ended with {done.returncode}\n{shown}")
    return str(done.stdout)


def debian(suite: str, name: str, packages: str) -> Path:
    """The unpacked Debian ``name`` in the cache, made by debootstrap once."""
    target = CACHE / name
    if not target.exists():
        draft = CACHE / f"{name}.part"
        shutil.rmtree(draft, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        call("debootstrap", "--variant=minbase", f"--include={packages}", suite, draft)
        draft.rename(target)
    return target


def require() -> None:
    """Raise :class:`UnavailableError` where this machine cannot run an engine."""
    if os.geteuid() != 0:
        raise UnavailableError("an engine from packages needs root")
    missing = [
        one for one in ("debootstrap", "iptables-save", "unshare", "nsenter", "losetup") if not shutil.which(one)
    ]
    if missing:
        raise UnavailableError(f"not on PATH: {', '.join(missing)} (Debian: apt-get install debootstrap iptables)")
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not (CACHE / "data").exists():
        raise UnavailableError(f"{free >> 30} GB are free, images and their build need {NEEDED_BYTES >> 30}")
    for name, probe in {
        "a mount namespace": ["unshare", "--mount", "true"],
        "the packet filter": ["iptables", "-t", "nat", "-L", "-n"],
        "control groups": ["test", "-d", str(GROUPS)],
    }.items():
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(f"{name} is not allowed here: {done.stderr.strip().splitlines()[-1:]}")


class Engine:
    """A running daemon; ``docker`` runs its client inside its namespace."""

    def __init__(self, daemon: subprocess.Popen[bytes], socket: Path) -> None:
        self.daemon, self.socket = daemon, socket

    def command(self, *arguments: str | Path, cwd: Path = ROOT) -> list[str]:
        """The command line of the client inside the namespace, in ``cwd``."""
        inside = 'cd "$0" && exec "$@"'
        return ["nsenter", "--target", str(self.daemon.pid), "--mount", "--", "sh", "-c", inside, str(cwd), "docker",
                *map(str, arguments)]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """What the client needs to find the daemon."""
        return {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": "/run/docker-client",
            "BUILDKIT_PROGRESS": "plain",
        }

    def docker(self, *arguments: str | Path, cwd: Path = ROOT, check: bool = True, **options: object) -> str:
        """Run the client; what it printed."""
        environment = {"PATH": PATH, "HOME": "/root", **self.environment}
        return call(*self.command(*arguments, cwd=cwd), check=check, env=environment, **options)


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine while the block runs: one on a machine, since its data and the packet filter are shared.

    Raises:
        UnavailableError: none can be had here, and why.
    """
    require()
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError("another proof on this machine uses it; wait until that ends") from None
        with _started() as running:
            yield running


@contextmanager
def _started() -> Iterator[Engine]:
    root = debian("trixie", "engine", PACKAGES)
    data, socket = CACHE / "data", WORK / "docker.sock"
    data.mkdir(exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    rules, forwarding = call("iptables-save"), FORWARDING.read_text()
    with (WORK / "dockerd.log").open("wb") as log:
        start: list[str | Path] = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            HERE / "engine-start",
            root,
            data,
            ROOT,
            socket,
        ]
        daemon = subprocess.Popen(start, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        running = Engine(daemon, socket)
        try:
            _wait(running)
            _share()
            yield running
        finally:
            _stop(running, rules, forwarding)


def _wait(running: Engine) -> None:
    end = time.monotonic() + UP_S
    while running.daemon.poll() is None and time.monotonic() < end:
        if "Server Version" in running.docker("info", check=False):
            return
        time.sleep(1)
    last = (WORK / "dockerd.log").read_text(errors="replace").splitlines()[-3:]
    raise UnavailableError("the daemon does not start: " + " / ".join(last))


def _share() -> None:
    """All containers together weigh as one process beside others (control groups 1): let them weigh as four."""
    weight = GROUPS / "cpu" / "docker" / "cpu.shares"
    if weight.parent.parent.is_dir():
        weight.parent.mkdir(exist_ok=True)
        weight.write_text("4096")


def _stop(running: Engine, rules: str, forwarding: str) -> None:
    if running.daemon.poll() is None:
        if containers := running.docker("ps", "-aq", check=False).split():
            running.docker("rm", "-fv", *containers, check=False)
        running.docker("network", "prune", "-f", check=False)
        running.docker("volume", "prune", "-af", check=False)
    running.daemon.send_signal(signal.SIGTERM)
    try:
        running.daemon.wait(60)
    except subprocess.TimeoutExpired:
        running.daemon.kill()
        running.daemon.wait()
    call("ip", "link", "delete", "docker0", check=False)
    call("iptables-restore", input=OPEN + rules)
    FORWARDING.write_text(forwarding)
    for group in GROUPS.glob("*/docker"):
        inner = sorted((one for one in group.rglob("*") if one.is_dir()), reverse=True)
        for folder in (*inner, group):
            with suppress(OSError):  # the kernel takes its time with the last one of a process that is gone
                folder.rmdir()
    running.socket.unlink(missing_ok=True)
