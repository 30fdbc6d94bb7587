"""Plugin folders of the Connect worker: links to jars, and manifests for plugins that carry none.

Connect finds plugins by their ``META-INF/services`` manifests at once; a plugin without them is found by reading every
class of its jars, which takes ten seconds for the 164 MB of the Snowflake connector.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

MANIFESTS = "manifests.jar"
SERVICES = "META-INF/services/"
CONNECTORS = (
    "org.apache.kafka.connect.sink.SinkConnector",
    "org.apache.kafka.connect.source.SourceConnector",
)
# What Connect finds in the Snowflake connector 2.5.0 when it reads every class.
SNOWFLAKE = {
    "org.apache.kafka.connect.sink.SinkConnector": ("com.snowflake.kafka.connector.SnowflakeSinkConnector",),
    "org.apache.kafka.connect.storage.Converter": (
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverter",
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverterWithoutSchemaRegistry",
        "com.snowflake.kafka.connector.records.SnowflakeJsonConverter",
        "io.confluent.connect.avro.AvroConverter",
    ),
}


def link(files: list[Path], folder: Path, manifests: Mapping[str, tuple[str, ...]] | None = None) -> None:
    """Make ``folder`` hold exactly links to ``files``, and a jar with ``manifests`` (service: classes) where given."""
    wanted = {file.name: file.resolve() for file in files}
    have = {file.name: file.resolve() for file in folder.glob("*.jar") if file.is_symlink()}
    if wanted == have and (folder / MANIFESTS).exists() == bool(manifests):
        return  # a running worker reads from here
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, file in wanted.items():
        (folder / name).symlink_to(file)
    if manifests:
        with zipfile.ZipFile(folder / MANIFESTS, "w") as jar:
            for service, classes in manifests.items():
                # A fixed time: the same content is the same file.
                jar.writestr(zipfile.ZipInfo(SERVICES + service), "".join(f"{name}\n" for name in classes))


def discovery(plugins: Path) -> str:
    """How the worker should look for plugins: by manifests alone where every folder has one, else class by class."""
    folders = [folder for folder in plugins.iterdir() if folder.is_dir()]
    return "service_load" if all(map(_has_manifest, folders)) else "hybrid_warn"


def _has_manifest(folder: Path) -> bool:
    for file in folder.rglob("*.jar"):
        with zipfile.ZipFile(file) as jar:
            names = set(jar.namelist())
        if any(SERVICES + service in names for service in CONNECTORS):
            return True
    return False
