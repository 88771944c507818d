"""One attack and one innocent neighbour, or more, for every rule."""

from __future__ import annotations

from typing import Any

from tests.audit.detect import sequences
from tests.audit.logs import OTHER, POD_UID, UID, Event, event

SHOP = "system:serviceaccount:shop:web"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
JOBS = "system:serviceaccount:kube-system:cronjob-controller"
NODE = "system:node:node1"
HOST_PROCESS = {"windowsOptions": {"hostProcess": True}}
PRIVILEGED = {"securityContext": {"privileged": True}}


def asked(one: Event, found: Any, level: str = "Request") -> Event:  # noqa: ANN401 - JSON of any shape
    """The same event with its body logged."""
    return one | {"level": level, "requestObject": found}


def pod(spec: dict[str, Any], **more: Any) -> Event:  # noqa: ANN401 - as `event` takes them
    return asked(event("create", name="bad", code=201, **more), {"kind": "Pod", "spec": spec})


def template(resource: str, spec: dict[str, Any], verb: str = "create", **more: Any) -> Event:  # noqa: ANN401
    whole: dict[str, Any] = {"spec": {"template": {"spec": spec}}}
    if resource == "cronjobs":
        whole = {"spec": {"jobTemplate": whole}}
    return asked(event(verb, resource, "bad", code=201, **more), whole)


def patch(*operations: dict[str, Any], resource: str = "deployments") -> Event:
    return asked(event("patch", resource, "web"), list(operations))


def add(path: str, value: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"op": "add", "path": path, "value": value}


def volume(path: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": path}}]}


def capability(*names: str) -> dict[str, Any]:
    return {"initContainers": [{"name": "setup", "securityContext": {"capabilities": {"add": list(names)}}}]}


def binding(role: str, **more: Any) -> Event:  # noqa: ANN401
    found = {"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": [{"kind": "User", "name": "eve"}]}
    return asked(event("create", "clusterrolebindings", "b", "", code=201, **more), found)


def role(verbs: list[str], resources: list[str], **more: Any) -> Event:  # noqa: ANN401
    found = {
        "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"resources": resources, "verbs": verbs},
        ]
    }
    return asked(event("create", "clusterroles", "r", "", code=201, **more), found)


def acting(username: str, *groups: str) -> Event:
    return event("list", "pods", "", impersonatedUser={"username": username, "groups": list(groups)})


def gathering(selector: dict[str, Any]) -> Event:
    found = {"aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": None}
    return asked(event("create", "clusterroles", "r", "", code=201), found)


def service(**spec: Any) -> Event:  # noqa: ANN401
    return asked(event("create", "services", "web", code=201), {"spec": spec})


def through(path: str, **more: Any) -> Event:  # noqa: ANN401
    uri = f"/api/v1/nodes/node1/proxy/{path}"
    return event("get", "nodes", "node1", "", sub="proxy", requestURI=uri, **more)


def nobody(path: str, **more: Any) -> Event:  # noqa: ANN401
    return event("get", "", "", "", user="system:anonymous", requestURI=path, objectRef=None, **more)


def denied(number: int, **more: Any) -> Event:  # noqa: ANN401
    return event("get", "secrets", f"s{number}", code=403, seconds=number, **more)


def from_address(address: str, uid: str = UID, **more: Any) -> Event:  # noqa: ANN401
    return event("list", "pods", "", user=SHOP, extra={POD_UID: [uid]}, sourceIPs=["9.9.9.9", address], **more)


# Each list is one log.
ATTACKS: dict[str, list[list[Event]]] = sequences.ATTACKS | {
    "exec-into-pod": [
        [event("get", sub="exec", code=101)],
        [event("create", sub="attach", code=101) | {"stage": "ResponseStarted"}],
        [event("get", sub="exec", code=101) | {"requestURI": "//[?command=id"}],
    ],
    "port-forward": [[event("get", sub="portforward", code=101)], [event("create", sub="portforward", code=101)]],
    "ephemeral-container": [[event("patch", sub="ephemeralcontainers")]],
    "privileged-container": [
        [pod({"containers": [{"name": "a"}, PRIVILEGED]})],
        [pod({"initContainers": [PRIVILEGED]})],
        *[[template(kind, {"containers": [PRIVILEGED]})] for kind in ("deployments", "daemonsets", "cronjobs", "jobs")],
        [asked(event("patch", sub="ephemeralcontainers"), {"spec": {"ephemeralContainers": [PRIVILEGED]}})],
        [patch(add("/spec/template/spec/containers/-", PRIVILEGED))],
        [patch(add("/spec/template/spec/containers/0/securityContext/privileged", True))],
        [asked(event("create", "podtemplates", "t"), {"template": {"spec": {"containers": [PRIVILEGED]}}})],
        [pod({"securityContext": HOST_PROCESS})],
        [pod({"containers": [{"name": "a", "securityContext": HOST_PROCESS}]})],
    ],
    "host-path": [
        [pod(volume(path))]
        for path in (
            "/",
            "//",
            "/etc",
            "/var/lib/kubelet/pki",
            "/opt/../etc/kubernetes",
            "/run/containerd/containerd.sock",
        )
    ]
    + [
        [asked(event("create", "persistentvolumes", "v", "", code=201), {"spec": {kind: {"path": "/var/lib/kubelet"}}})]
        for kind in ("hostPath", "local")
    ],
    "host-namespaces": [[pod({name: True})] for name in ("hostPID", "hostIPC", "hostNetwork")],
    "dangerous-capability": [
        [pod(capability("NET_BIND_SERVICE", "SYS_ADMIN"))],
        [pod(capability("CAP_BPF"))],
        [pod(capability("sys_admin"))],
    ],
    "pod-in-system-namespace": [[event("create", name="p", namespace="kube-system", code=201)]],
    "controller-account-pod": [
        [pod({"serviceAccountName": "cronjob-controller"}, namespace="kube-system")],
        [pod({"serviceAccount": "cronjob-controller"}, namespace="kube-system")],
        [template("deployments", {"serviceAccountName": "cronjob-controller"}, namespace="kube-system")],
    ],
    "scheduled-workload": [[event("create", "cronjobs", "c", code=201)], [event("patch", "jobs", "j")]],
    "daemon-set": [[event("create", "daemonsets", "d", code=201)]],
    "secrets-listed": [[event("list", "secrets", "", "")], [event("watch", "secrets", "", "", user=SHOP)]],
    "secrets-gathered": [
        [event("get", "secrets", f"s{number}", seconds=number) for number in range(10)],
        [event("get", "secrets", f"s{number}", seconds=595 + number) for number in range(10)],
        [event("watch", "secrets", "", f"team-{number}", seconds=number) for number in range(10)],
    ],
    "foreign-secrets": [
        [event("get", "secrets", "db", "payments", user=SHOP)],
        [event("list", "secrets", "", "", user=SHOP)],
        [event("list", "secrets", "", "payments", user=NODE)],
    ],
    "token-minted": [[event("create", "serviceaccounts", "admin", sub="token", code=201)]],
    "token-secret": [
        [asked(event("create", "secrets", "t", code=201), {"type": "kubernetes.io/service-account-token"})]
    ],
    "cluster-admin-binding": [
        [binding("cluster-admin")],
        [
            asked(
                event("create", "rolebindings", "b"),
                {"roleRef": {"name": "view"}, "subjects": [{"name": "system:masters"}]},
            )
        ],
    ],
    "dangerous-role": [
        [role(["*"], ["pods"])],
        [role(["get"], ["nodes/proxy"])],
        [role(["create"], ["pods/exec"])],
        [role(["escalate"], ["roles"])],
        [gathering({})],
        [gathering({"matchLabels": {}})],
        [event("delete", "clusterroles", "system:kube-aggregator", "")],
        [patch(add("/rules/-", {"verbs": ["impersonate"], "resources": ["users"]}), resource="roles")],
    ],
    "impersonation": [
        [acting("root", "system:masters")],
        [acting("system:serviceaccount:kube-system:clusterrole-aggregation-controller")],
        [acting(NODE, "system:nodes")],
    ],
    "certificate-request": [
        [event("create", "certificatesigningrequests", "c", "", code=201)],
        [event("update", "certificatesigningrequests", "c", "", sub="approval")],
    ],
    "anonymous-access": [[nobody("/api/v1/secrets")], [nobody("/healthzzz")]],
    "rights-probed": [[event("create", "selfsubjectrulesreviews", "", "", user=SHOP, code=201)]],
    "many-refusals": [[denied(number) for number in range(10)]],
    "kubelet-api": [[through("exec/payments/web-1/app?command=id", code=101)], [through("pods")], [through("")]]
    + [[through(path)] for path in ("metrics/..%2fpods", "stats/%2e%2e/run/a/b/c", "metrics/../pods", "Metrics")],
    "admission-changed": [
        [event("delete", "validatingwebhookconfigurations", "policy", "")],
        [event("patch", "validatingadmissionpolicybindings", "policy", "")],
    ],
    "events-deleted": [[event("deletecollection", "events", "")]],
    "cluster-dns-changed": [[event("update", "configmaps", "coredns", "kube-system")]],
    "cloud-identity-map": [[event("patch", "configmaps", "aws-auth", "kube-system")]],
    "service-exposed": [
        [service(type="NodePort")],
        [service(type="LoadBalancer")],
        [service(type="ClusterIP", externalIPs=["10.0.0.1"])],
    ],
    "token-on-the-move": [[from_address("10.88.0.5"), from_address("6.6.6.6", seconds=86_400)]],
    "guard-removed": [
        [event("delete", "networkpolicies", "irkit-q-0c5c7fd0")],
        [patch({"op": "remove", "path": "/metadata/labels/irkit.dev~1quarantine"}, resource="pods")],
        [asked(event("patch"), {"metadata": {"labels": {"irkit.dev/quarantine": None}}})],
    ],
}

INNOCENT: dict[str, list[list[Event]]] = sequences.INNOCENT | {
    "exec-into-pod": [[event("get", sub="log")], [event("get", sub="exec", code=403)], [event("get", "x", sub="exec")]],
    "port-forward": [[event("get", "services", sub="proxy")], [event("get", sub="portforward", code=403)]],
    "ephemeral-container": [[event("patch", sub="status")], [event("patch", sub="ephemeralcontainers", code=422)]],
    "privileged-container": [
        [pod({"containers": [{"name": "a", "securityContext": {"privileged": False}}]})],
        [pod({"containers": [PRIVILEGED]}, user=CONTROLLER)],
        [asked(event("create", code=403), {"spec": {"containers": [PRIVILEGED]}})],
        [pod({"containers": "none"})],
        [patch({"op": "remove", "path": "/spec/template/spec/containers/0/securityContext/privileged"})],
        [patch({"op": "add", "path": 7, "value": PRIVILEGED})],
    ],
    "host-path": [[pod(volume(path))] for path in ("/data", "/etc/localtime", "/var/log", "/procfs", "", 7, None)],
    "host-namespaces": [
        [pod({"hostPID": False})],
        [pod({"hostNetwork": "yes"})],
        [pod({"hostPID": True}, user=CONTROLLER)],
    ],
    "dangerous-capability": [[pod(capability("NET_BIND_SERVICE"))], [pod({"containers": [{"securityContext": 5}]})]],
    "pod-in-system-namespace": [
        [event("create", name="p", namespace="kube-system", user=CONTROLLER, code=201)],
        [event("create", name="p", namespace="kube-system", user=NODE, code=201)],
        [event("create", name="p", code=201)],
        [event("create", name="p", namespace="kube-system", sub="eviction", code=201)],
    ],
    "controller-account-pod": [
        [pod({"serviceAccountName": "coredns"}, namespace="kube-system")],
        [pod({"serviceAccountName": "cronjob-controller"})],
        [pod({"serviceAccountName": 5}, namespace="kube-system")],
    ],
    "scheduled-workload": [[event("create", "jobs", "j", code=201, user=JOBS)], [event("get", "jobs", "j")]],
    "daemon-set": [[event("update", "daemonsets", "d")], [event("create", "daemonsets", "d", code=403)]],
    "secrets-listed": [
        [event("list", "secrets", "", "payments")],
        [event("watch", "secrets", "", "", user="system:apiserver")],
    ],
    "secrets-gathered": [
        [event("get", "secrets", f"s{number}", seconds=number) for number in range(9)],
        [event("get", "secrets", "same", seconds=number) for number in range(50)],
        [event("get", "secrets", f"s{number}", seconds=3600 * number) for number in range(20)],
        [event("get", "secrets", f"s{number}", seconds=number, user=NODE) for number in range(50)],
    ],
    "foreign-secrets": [
        [event("get", "secrets", "db", "shop", user=SHOP)],
        [event("get", "secrets", "db", "payments", user=SHOP, code=403)],
        [event("get", "secrets", "db", "payments", user=NODE)],
        [event("get", "secrets", "db", "payments", user=CONTROLLER)],
        [event("get", "secrets", "db", "payments")],
    ],
    "token-minted": [[event("create", "serviceaccounts", "web", sub="token", user=NODE, code=201)]],
    "token-secret": [
        [asked(event("create", "secrets", "t", code=201), {"type": "Opaque"})],
        [event("create", "secrets", "t", code=201)],
    ],
    "cluster-admin-binding": [
        [binding("view")],
        [binding("cluster-admin", user="system:apiserver")],
    ],
    "dangerous-role": [
        [role(["get", "list"], ["pods", "pods/log"])],
        [role(["*"], ["*"], user="system:apiserver")],
        [gathering({"matchLabels": {"rbac.example.com/aggregate-to-view": "true"}})],
        [gathering({"matchExpressions": [{"key": "a", "operator": "Exists"}]})],
        [event("get", "clusterroles", "system:node", "")],
    ],
    "impersonation": [[acting("bob", "dev")], [event("list", "pods", "")]],
    "certificate-request": [
        [event("create", "certificatesigningrequests", "c", "", user=NODE, code=201)],
        [event("create", "certificatesigningrequests", "c", "", user="system:bootstrap:abcdef", code=201)],
    ],
    "anonymous-access": [
        [nobody("/healthz?verbose"), nobody("/livez/ping"), nobody("/version")],
        [nobody("/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s")],
        [nobody("/api/v1/secrets", code=403)],
        [event("list", "secrets", "", "shop")],
    ],
    "rights-probed": [[event("create", "selfsubjectaccessreviews", "", "", code=201)]],
    "many-refusals": [
        [denied(number % 9) | {"auditID": str(number)} for number in range(40)],
        [denied(number, user=CONTROLLER) for number in range(20)],
    ],
    "kubelet-api": [
        [
            through(path)
            for path in ("metrics/cadvisor", "metrics/", "healthz", "configz", "stats/summary?only_cpu=true")
        ],
        [through("pods", code=403)],
    ],
    "admission-changed": [
        [event("get", "validatingwebhookconfigurations", "policy", "")],
        [event("update", "validatingadmissionpolicies", "policy", "", user="system:apiserver")],
    ],
    "events-deleted": [
        [event("deletecollection", "events", "", user="system:serviceaccount:kube-system:namespace-controller")],
        [event("create", "events", "e", code=201)],
    ],
    "cluster-dns-changed": [
        [event("update", "configmaps", "coredns", "shop")],
        [event("get", "configmaps", "coredns", "kube-system")],
    ],
    "cloud-identity-map": [
        [event("patch", "configmaps", "aws-auth", "shop")],
        [event("patch", "configmaps", "x", "kube-system")],
    ],
    "service-exposed": [
        [service(type="ClusterIP")],
        [service()],
        [service(type="NodePort") | {"responseStatus": {"code": 409}}],
    ],
    "token-on-the-move": [
        [from_address("10.88.0.5"), from_address("10.88.0.5", seconds=86_400)],
        [from_address("10.88.0.5"), from_address("10.88.0.6", OTHER)],
        [from_address("10.88.0.5"), from_address("fd00::5", seconds=20)],
        [
            event("list", "pods", "", sourceIPs=["1.1.1.1"]),
            event("list", "pods", "", sourceIPs=["2.2.2.2"], seconds=20),
        ],
    ],
    "guard-removed": [
        [event("delete", "networkpolicies", "irkit-q-0c5c7fd0", userAgent="irkit/0.1.0")],
        [event("delete", "networkpolicies", "web")],
        [asked(event("patch"), {"metadata": {"labels": {"app": "x"}}})],
        [asked(event("patch", sub="status"), {"metadata": {"labels": {"irkit.dev/quarantine": "x"}}})],
    ],
}
