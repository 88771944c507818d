"""The collectors, most volatile first, and what they need to be allowed to do."""

from __future__ import annotations

from irkit.cluster.needs.rbac import folded
from irkit.collect.around.identity import Identity
from irkit.collect.around.network import Network
from irkit.collect.around.owners import Owners
from irkit.collect.around.place import Namespace, Node
from irkit.collect.around.storage import Storage
from irkit.collect.around.tools import Tools
from irkit.collect.collector import Collector
from irkit.collect.observers.falco import Falco
from irkit.collect.pod.events import Events
from irkit.collect.pod.logs import Logs
from irkit.collect.pod.manifest import Manifest
from irkit.collect.pod.metrics import Metrics
from irkit.model.permission import Permission

COLLECTORS: tuple[Collector, ...] = (
    Manifest(),
    Metrics(),
    Logs(),
    Events(),
    Owners(),
    Network(),
    Identity(),
    Storage(),
    Tools(),
    Falco(),
    Node(),
    Namespace(),
)


NEEDS: tuple[Permission, ...] = folded(each for collector in COLLECTORS for each in collector.needs)
