"""Entry point of ``mxctl``: loads a command group only when it is used, prints errors for people."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import re
import sys
import warnings
from typing import Any, NoReturn

import click

from glue.errors import MillionXError

# name on the command line -> module:attribute; imported on use, so that `mxctl --help` starts fast.
COMMANDS: dict[str, str] = {
    "acls": "glue.cli.acls:acls",
    "apply": "glue.cli.apply:apply",
    "audit": "glue.cli.audit:audit",
    "canary": "glue.cli.canary:canary",
    "metrics": "glue.cli.metrics:metrics",
    "connectors": "glue.cli.connectors:connectors",
    "topics": "glue.cli.topics:topics",
    "schemas": "glue.cli.schemas:schemas",
    "person": "glue.cli.person:person",
    "plan": "glue.cli.plan:plan",
    "validate": "glue.cli.validate:validate",
    "completion": "glue.cli.completion:completion",
    "offsets": "glue.cli.offsets:offsets",
    "plugins": "glue.cli.plugins:plugins",
    "history": "glue.cli.history:history",
    "keys": "glue.cli.keys:keys",
    "rollback": "glue.cli.history:rollback",
    "export": "glue.cli.export:export",
    "graph": "glue.cli.graph:graph",
    "ui": "glue.cli.ui:ui",
    "init": "glue.cli.init:init",
    "doctor": "glue.cli.doctor:doctor",
    "embedding": "glue.cli.embedding:embedding",
    "local": "glue.cli.local:local",
    "transforms": "glue.cli.transforms:transforms",
    "run": "glue.cli.run:run",
    "ingest": "glue.cli.ingest:ingest",
    "webhook": "glue.cli.webhook:webhook",
    "sandbox": "glue.cli.sandbox:sandbox",
    "search": "glue.cli.search:search",
    "query": "glue.cli.query:query",
    "warehouse": "glue.cli.warehouse:warehouse",
    "weaviate": "glue.cli.weaviate:weaviate",
    "dlq": "glue.cli.dlq:dlq",
    "demo": "glue.cli.demo:demo",
}


_NO_COMMAND = re.compile(r"No such command '([^']+)'\.$")


class LazyGroup(click.Group):
    """A click group whose commands are imported when first asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a mistyped one, at any depth, is reported with the nearest match."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            mistyped = _NO_COMMAND.match(error.message)
            if mistyped and error.ctx and isinstance(error.ctx.command, click.Group):
                names = error.ctx.command.list_commands(error.ctx)
                for near in difflib.get_close_matches(mistyped.group(1), names, 1):
                    raise click.UsageError(f"{error.message} Did you mean {near!r}?", error.ctx) from None
            raise


def _profile_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
    from glue.cli.completion import profile_names

    return profile_names(context, parameter, incomplete)


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from glue.avro_codec import in_use

        click.echo(f"mxctl, version {version('millionx')} (Avro: {in_use()})")
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.option(
    "--profile",
    shell_complete=_profile_names,
    help="Overlay of connect-config/profiles to use [default: local; env: MXCTL_PROFILE].",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Format of logs on stderr.")
def cli(profile: str | None, log_format: str | None) -> None:
    """Run, declare and inspect the MillionX pipeline."""
    from glue.logs import setup_logging

    for name, value in (("MXCTL_PROFILE", profile), ("MXCTL_LOG_FORMAT", log_format)):
        if value:
            os.environ[name] = value
    setup_logging()


def _fail(error: MillionXError) -> NoReturn:
    """Print what failed, why and the fix, and end with the exit code of the error."""
    click.echo(f"Error: {error.what}", err=True)
    if error.why:
        click.echo(f"  why: {error.why}", err=True)
    if error.fix:
        click.echo(f"  fix: {error.fix}", err=True)
    sys.exit(error.exit_code)


def _reach_loopback_directly() -> None:
    """No proxy of the environment stands between this machine and itself: not for this process, nor what it starts."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    for name in ("no_proxy", "NO_PROXY"):  # some clients read one, some the other
        os.environ[name] = ",".join(dict.fromkeys([*filter(None, named.split(",")), "127.0.0.1", "localhost", "::1"]))


def main() -> None:
    """Run the command line; a user's mistake prints what, why and fix, never a traceback."""
    _reach_loopback_directly()
    try:
        cli(prog_name="mxctl")
    except MillionXError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        from glue.imports import missing

        problem = missing(error, " ".join(["mxctl", *(word for word in sys.argv[1:3] if not word.startswith("-"))]))
        if problem is None:
            raise
        _fail(problem)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        # Files and folders that a user named, full disks; services have errors of their own.
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not (error.filename or full) or os.environ.get("MXCTL_LOG_LEVEL") == "DEBUG":
            raise
        fix = "free some space there" if full else "name a place you may use"
        moved = "MXCTL_STATE_DIR moves the data of the local stack, MXCTL_CACHE_DIR the downloads"
        _fail(MillionXError(str(error.filename or "writing a file"), error.strerror or str(error), f"{fix}; {moved}"))
    finally:
        # Libraries switch Python's warnings on for everybody; at exit they would name the services that live on.
        warnings.simplefilter("ignore", ResourceWarning)
