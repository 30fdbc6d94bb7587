"""``mxctl init``: a project outside the repository."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path

import click

from glue.errors import MillionXError, UsageError

DECLARED = ("connect-config", "schemas")
_README = """# A MillionX project

`connect-config/` declares what exists: topics, subjects, sources, chains of transforms, connectors, stores; `profiles/`
says what differs in an environment. `schemas/` says what a record may hold and what of it is personal. Both are yours:
change them, keep them under version control. What runs on this machine keeps its data in `.millionx/`.

```sh
mxctl validate                                    # every problem with its file, field and fix
mxctl demo                                        # the whole pipeline at work, from nothing to a summary
mxctl local up                                    # Kafka, Connect, registry, Redis, Weaviate, warehouse, on loopback
mxctl ingest posts.txt --source facebook --wait   # your own file
mxctl plan                                        # what the cluster lacks of the declaration; mxctl apply does it
mxctl doctor                                      # what is wrong, and the fix
mxctl local down
```

For another cluster copy `.env.example` to `.env` and fill it in. Every command explains itself with `--help`.
"""
_SETTINGS = """# Copy to .env, which mxctl reads in this folder; the environment overrides it, and it overrides the
# addresses of a local stack. Secrets are files: name them here.

# The overlay of connect-config/profiles, and whose topology this is where several share a cluster.
#MXCTL_PROFILE=prod
#MXCTL_OWNER=millionx

#MXCTL_KAFKA=broker-1:9093,broker-2:9093
#MXCTL_KAFKA_SECURITY_PROTOCOL=SASL_SSL
#MXCTL_KAFKA_SASL_MECHANISMS=SCRAM-SHA-512
#MXCTL_KAFKA_PROPERTIES_FILE=/run/secrets/kafka.properties
#MXCTL_REGISTRY=https://registry:8081
#MXCTL_REGISTRY_USER=millionx
#MXCTL_REGISTRY_PASSWORD_FILE=/run/secrets/registry
#MXCTL_CONNECT=https://connect:8083
"""
BESIDE = {"README.md": _README, ".env.example": _SETTINGS, ".gitignore": ".millionx/\n.venv/\n.env\n*.log\n"}


@click.command()
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a project into DIR: the declared topology, the schemas, a README, an example of settings.

    A README.md, .gitignore or .env.example that is there already stays as it is.
    """
    from glue.settings import shipped

    for name in DECLARED:
        if (folder / name).exists():
            raise UsageError(f"mxctl init {folder}", f"there is a {name} already", "name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".init-") as draft:  # an interrupted one leaves no half project
        try:
            for name in reversed(DECLARED):
                shutil.copytree(shipped(name), Path(draft) / name, ignore=shutil.ignore_patterns("kustomization.yaml"))
        except shutil.Error as error:  # one entry for each file
            why = str(error.args[0][0][2])
            raise MillionXError(f"mxctl init {folder}", why, "free some space there, or name another folder") from None
        for name, text in BESIDE.items():
            (Path(draft) / name).write_text(text, encoding="utf-8")
        for made in (Path(draft) / name for name in (*BESIDE, *reversed(DECLARED))):
            if not (folder / made.name).exists():
                made.replace(folder / made.name)
    click.echo(f"A project is in {folder.resolve()}", err=True)
    where = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    click.echo(f"Next:  {where}mxctl validate\n       mxctl demo", err=True)
