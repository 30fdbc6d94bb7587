"""``mxctl completion``, and names completed from the live cluster: quick, and silent when it does not answer."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

_SECONDS = 2.0


def _declared(folder: str, incomplete: str) -> list[CompletionItem]:
    """Names of the files in a folder of ``connect-config``."""
    from glue.settings import get_settings

    names = sorted(file.stem for file in (get_settings().config_dir / folder).glob("*.json"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def source_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Sources that have a file."""
    return _declared("sources", incomplete)


def chain_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Declared transform chains."""
    return _declared("transforms", incomplete)


def profile_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Profiles of the project."""
    return _declared("profiles", incomplete)


def connector_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Connectors of the live cluster, with their state."""
    from glue.cli.options import settings_for
    from glue.connect import ConnectClient
    from glue.errors import MillionXError

    try:
        settings = settings_for(context.params.get("url"))
        found = ConnectClient.of(settings, timeout=_SECONDS, patience=0, retries=0).connectors()
    except MillionXError:
        return []
    return [
        CompletionItem(name, help=str(body.get("status", {}).get("connector", {}).get("state", "")))
        for name, body in sorted(found.items())
        if name.startswith(incomplete)
    ]


connector_argument = click.argument("name", shell_complete=connector_names)


def topic_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Topics of the live cluster."""
    from confluent_kafka import KafkaException

    from glue.kafka.config import KafkaConfig
    from glue.settings import get_settings

    try:
        topics = KafkaConfig.of(get_settings()).admin({"log_level": 0}).list_topics(timeout=_SECONDS).topics
    except KafkaException:
        return []
    return [CompletionItem(name) for name in sorted(topics) if name.startswith(incomplete)]


def subject_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Subjects of the live registry."""
    import requests

    from glue.settings import get_settings

    try:
        names = requests.get(f"{get_settings().registry.rstrip('/')}/subjects", timeout=_SECONDS).json()
    except (requests.RequestException, ValueError):
        return []
    return [CompletionItem(name) for name in names if str(name).startswith(incomplete)]


def plugin_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins of the live worker."""
    from glue.connect import ConnectClient
    from glue.errors import MillionXError
    from glue.settings import get_settings

    try:
        found = ConnectClient.of(get_settings(), timeout=_SECONDS, patience=0, retries=0).plugins()
    except MillionXError:
        return []
    names = {str(plugin["class"]).rpartition(".")[2] for plugin in found}
    return [CompletionItem(name) for name in sorted(names) if name.lower().startswith(incomplete.lower())]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL; names of connectors, topics and subjects come from the live cluster.

    For example in ~/.bashrc: eval "$(mxctl completion bash)"
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choice above
    click.echo(made(click.get_current_context().find_root().command, {}, "mxctl", "_MXCTL_COMPLETE").source())
