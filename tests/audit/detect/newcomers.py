"""News and no news after ordinary days, for the rules that tell newcomers."""

from __future__ import annotations

from tests.audit.logs import Event, event

SHOP = "system:serviceaccount:shop:web"
NODE = "system:node:node1"

ORDINARY: list[Event] = [
    event("get", user="alice"),
    event("list", "pods", "", user=SHOP, sourceIPs=["10.88.0.5"], userAgent="shop/1.0"),
    event("get", "nodes", "node1", "", user=NODE, sourceIPs=["192.168.1.1"], userAgent="kubelet/v1.37 (linux/amd64)"),
    event("get", sub="log"),
]

ATTACKS: dict[str, list[list[Event]]] = {
    "new-user": [[event(user="eve")], [event(user="eve", code=403)]],
    "new-agent": [[event(userAgent="curl/8.5.0")], [event(userAgent="python-requests")]],
    "new-address": [[event(sourceIPs=["10.0.0.9", "6.6.6.6"])]],
    "new-deed": [[event("delete")], [event("get", sub="exec", code=101)], [event("get", "secrets", "db")]],
}

INNOCENT: dict[str, list[list[Event]]] = {
    "new-user": [
        [event(user="alice")],
        [event(user="system:node:node2")],
        [event(user="eve") | {"stage": "RequestReceived"}],
    ],
    "new-agent": [[event(userAgent="kubectl/v1.38.0 (darwin/arm64)")], [event(userAgent="")]],
    "new-address": [
        [event(sourceIPs=["6.6.6.6", "10.0.0.9"])],
        [event(user=SHOP, sourceIPs=["10.88.0.77"])],
        [event(user=NODE, sourceIPs=["192.168.1.2"])],
        [event(sourceIPs=[])],
    ],
    "new-deed": [
        [event("list", "pods", "", user="eve")],
        [event("get", "", "", "", requestURI="/metrics", objectRef=None)],
    ],
}
