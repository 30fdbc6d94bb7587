"""The kinds of resources, a file each, in the order in which plans go through them."""

from __future__ import annotations

from glue.topology.kinds.acl import Acls
from glue.topology.kinds.chain import Chains
from glue.topology.kinds.connector import Connectors
from glue.topology.kinds.contract import Kind
from glue.topology.kinds.store import Stores
from glue.topology.kinds.subject import Subjects
from glue.topology.kinds.topic import Topics

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Topics(), Acls(), Subjects(), Stores(), Chains(), Connectors())}
