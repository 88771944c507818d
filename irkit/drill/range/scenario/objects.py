"""The cluster that the payments incident happens in."""

from __future__ import annotations

import base64
import json
from importlib.resources import files

from irkit.drill.range.answer import Json
from irkit.drill.range.scenario import bare, cast
from irkit.drill.range.scenario.bare import RBAC, account, binding, subject
from irkit.drill.range.scenario.cast import Workload, owned_by, service, sha, thing

VICTIM = "web-6d9f7c5b8-x2x7k"
_NETWORK = "networking.k8s.io/v1"

_WEB = Workload("payments", "web", "registry.example.com/payments/web:2.14.3", 8080, template="6d9f7c5b8",
                pods={"x2x7k": ("node-2", "10.244.2.23"), "m4k9p": ("node-3", "10.244.3.41")}, 
                account="web")  # fmt: skip
_API = Workload("payments", "api", "registry.example.com/payments/api:5.0.1", 9000, template="7f5d6c9b4d",
                pods={"t8wqz": ("node-3", "10.244.3.17")}, at="@-9d3h", account="api")  # fmt: skip
_DB = Workload("payments", "db", "registry.example.com/mirror/postgres:17.5", 5432, at="@-62d3h",
               pods={"0": ("node-3", "10.244.3.9")})  # fmt: skip
_SHOP = Workload("frontend", "shop", "registry.example.com/frontend/shop:8.3.0", 8080, template="5bd77f9c66",
                 pods={"zk6dl": ("node-2", "10.244.2.11")}, at="@-1d2h")  # fmt: skip
_DNS = Workload("kube-system", "coredns", "registry.k8s.io/coredns/coredns:v1.12.1", 53, template="674b8bbfcf",
                pods={"4n7rc": ("node-1", "10.244.1.3")}, at="@-62d4h", account="coredns")  # fmt: skip


def data(name: str) -> str:
    """A file of the payments scenario."""
    return files(__package__).joinpath("payments", name).read_text("utf-8")


def objects() -> list[Json]:
    """Every object, instants as offsets."""
    workloads = [*_web(), *_API.objects(), *_DB.objects(), *_SHOP.objects(), *_DNS.objects()]
    by_app = {app: [o for o in workloads if o["kind"] == "Pod" and o["metadata"]["labels"]["app"] == app]
              for app in ("web", "api", "db", "shop", "coredns")}  # fmt: skip
    return [
        *bare.objects(("node-1", "node-2", "node-3")),
        *(each for name in ("frontend", "payments") for each in bare.namespace(name)),
        *workloads,
        *service("payments", "web", "10.96.40.17", 8080, by_app["web"]),
        *service("payments", "api", "10.96.40.88", 9000, by_app["api"]),
        *service("payments", "db", "10.96.41.5", 5432, by_app["db"]),
        *service("frontend", "shop", "10.96.52.30", 8080, by_app["shop"]),
        *service("kube-system", "coredns", "10.96.0.10", 53, by_app["coredns"]),
        *_identity(),
        *_configuration(),
        _database_policy(),
        *events(),
    ]


def _web() -> list[Json]:
    made = _WEB.objects()
    victim: Json = json.loads(data("victim.json"))
    replica_set = made[1]
    template = {key: value for key, value in victim["spec"].items() if key not in ("nodeName", "placementIntent")}
    for controller in made[:2]:
        controller["spec"]["template"]["spec"] = template
    victim["metadata"]["ownerReferences"] = owned_by(replica_set)
    sibling = made[3]
    sibling["spec"] = {**template, "nodeName": "node-3"}
    sibling["status"] = cast.running(template["containers"], "sibling", "node-3", "10.244.3.41", "@-2d6h")
    return [*made[:2], victim, sibling]


def _identity() -> list[Json]:
    reads = {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get", "list"]}
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    developer = {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]}
    web = {"kind": "ServiceAccount", "name": "web", "namespace": "payments"}
    return [
        *(account("payments", name) for name in ("web", "api")),
        account("kube-system", "coredns"),
        thing("Role", RBAC, "payments", "web-config-reader", rules=[reads, pods]),
        binding("payments", "web-config-reader", "Role", "web-config-reader", web),
        thing("Role", RBAC, "payments", "developer", rules=[developer]),
        binding("payments", "developers", "Role", "developer", subject("User", "dev@example.com")),
    ]


def _configuration() -> list[Json]:
    settings = {"web.ini": "[uploads]\npath = /srv/web/uploads\nallow = image/*\n", "LOG_LEVEL": "info"}
    return [
        thing("ConfigMap", "v1", "payments", "web-config", data=settings),
        *(
            thing("Secret", "v1", "payments", name, type="Opaque", data={key: _coded(f"practice value of {name}")})
            for name, key in (
                ("db-credentials", "password"),
                ("provider-api-key", "key"),
                ("deploy-access", "kubeconfig"),
            )
        ),
    ]


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _database_policy() -> Json:
    peers = [{"podSelector": {"matchLabels": {"app": app}}} for app in ("web", "api")]
    rule = {"from": peers, "ports": [{"port": 5432, "protocol": "TCP"}]}
    spec = {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [rule], "policyTypes": ["Ingress"]}
    return thing("NetworkPolicy", _NETWORK, "payments", "db-from-apps", spec=spec, generation=1)


def allow_policies() -> list[Json]:
    """Policies that undo an isolation: one that only a relabelling escapes, one that nothing escapes."""
    frontend = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "frontend"}}}
    web = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [{"from": [frontend]}],
        "policyTypes": ["Ingress"],
    }
    every = {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]}
    return [
        thing("NetworkPolicy", _NETWORK, "payments", "allow-from-frontend", spec=web, generation=1),
        thing("NetworkPolicy", _NETWORK, "payments", "allow-while-migrating", spec=every, generation=1, at="@-17d"),
    ]


def events() -> list[Json]:
    """The Events about the victim."""
    victim: Json = json.loads(data("victim.json"))["metadata"]
    return [_event(number, told, victim) for number, told in enumerate(json.loads(data("events.json")))]


def _event(number: int, told: Json, victim: Json) -> Json:
    about = {
        "kind": "Pod", "apiVersion": "v1", "namespace": "payments", "name": VICTIM, "uid": victim["uid"],
        "fieldPath": f"spec.containers{{{told['container']}}}",
    }  # fmt: skip
    name = f"{VICTIM}.{sha(told['reason'] + str(number))[:16]}"
    return thing(
        "Event", "v1", "payments", name, at=str(told.get("first", told["at"])), involvedObject=about,
        reason=told["reason"], message=told["message"], type=told["type"], count=told["count"],
        source={"component": "kubelet", "host": "node-2"}, firstTimestamp=told.get("first", told["at"]),
        lastTimestamp=told["at"], eventTime=None, reportingComponent="kubelet", reportingInstance="node-2",
    )  # fmt: skip
