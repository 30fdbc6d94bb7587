"""``mxctl export``: the topology in other forms."""

from __future__ import annotations

from pathlib import Path

import click

from glue.cli.options import services_for, settings_for, url_option
from glue.cli.output import emit, emit_documents, form_option


@click.group()
def export() -> None:
    """Write the live cluster as files, or the files as resources of an operator."""


@export.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@url_option
def files(folder: Path, force: bool, url: str | None) -> None:
    """Write the live cluster into FOLDER as files that declare it: topics, ACLs, subjects with schemas, connectors."""
    from glue.topology.export import export as run

    done = run(services_for(url), folder, overwrite=force)
    counted = ", ".join(f"{count} {plural}" for plural, count in reversed(done.counts.items()) if count)
    click.echo(f"{counted or 'nothing'} written to {folder}")
    for note in done.notes:
        click.echo(f"note: {note}", err=True)


@export.command()
@click.option("--profile", default="prod", show_default=True, help="Overlay of connect-config/profiles to export.")
@click.option("--cluster", default="millionx", show_default=True, help="Name of the Kafka resource.")
@click.option("--connect", default="millionx", show_default=True, help="Name of the KafkaConnect resource.")
@click.option("--image", help="Image of the workers, on Strimzi's base [default: millionx/connect-strimzi:0.1.0].")
@click.option("--replicas", type=click.IntRange(1), default=2, show_default=True, help="Workers.")
@click.option("--bootstrap", default="", help="Bootstrap servers [default: the listener of the cluster].")
@click.option("--user", default="", help="KafkaUser to log in as, over TLS with SCRAM [default: no login].")
@form_option("yaml", "json", text="Output format; json is one List.")
def strimzi(
    profile: str, cluster: str, connect: str, image: str | None, replicas: int, bootstrap: str, user: str, output: str
) -> None:
    """Print the declared topology as Strimzi resources: KafkaTopic, KafkaConnect, KafkaConnector, KafkaUser.

    Secrets stay references. Nothing is asked of a cluster: mxctl export strimzi | kubectl apply -f -
    """
    from glue.topology.load import load
    from glue.topology.strimzi import Cluster, resources
    from glue.topology.validate import refuse_problems

    declared = load(settings_for(), profile=profile)
    refuse_problems(declared)
    where = Cluster(cluster, connect, image or Cluster.image, replicas, bootstrap, user)
    made = resources(declared, where)
    if output == "yaml":
        emit_documents(made)
    else:
        emit({"apiVersion": "v1", "kind": "List", "items": made}, output)


@export.command()
@click.argument(
    "form", type=click.Choice(["kafka-acls", "confluent", "terraform-confluent", "terraform-kafka", "strimzi"])
)
@click.option("--cluster", default="millionx", show_default=True, help="strimzi: name of the Kafka resource.")
def acls(form: str, cluster: str) -> None:
    """Print the ACLs of acls.json, or without any the derived ones, for a tool that creates them.

    kafka-acls and confluent are commands for a shell, the terraform forms a file NAME.tf.json, strimzi KafkaUser.
    """
    from glue.topology.acl_forms import FORMS, kafka_users
    from glue.topology.kinds.acl import Derive
    from glue.topology.load import load
    from glue.topology.rights import rights
    from glue.topology.validate import refuse_problems

    settings = settings_for()
    declared = load(settings)
    refuse_problems(declared)
    found = list(declared.of("acl").values())
    if not found:
        found = [right.acl(Derive().of(right.role)) for right in rights(declared, settings)]
    if form == "strimzi":
        emit_documents(kafka_users(found, cluster))
    elif form.startswith("terraform"):
        emit(FORMS[form](found), "json")
    else:
        for line in FORMS[form](found):
            click.echo(line)
