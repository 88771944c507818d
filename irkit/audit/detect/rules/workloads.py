"""Pods made to break out, to persist, or to hide among the system's own."""

from __future__ import annotations

import posixpath

from irkit.audit.detect.bodies import POD_BEARERS, WORKLOADS, at, containers, objects, pod_specs, text, texts
from irkit.audit.detect.facts import SYSTEM_NAMESPACES, off_the_plane, outsider, succeeded
from irkit.audit.detect.rule import WRITES, Rule
from irkit.audit.read.event import Event
from irkit.model.audit import Severity

_CREATE = frozenset({"create"})
_CAPABILITIES = frozenset(
    {
        "SYS_ADMIN",
        "SYS_PTRACE",
        "SYS_MODULE",
        "BPF",
        "NET_ADMIN",
        "DAC_READ_SEARCH",
        "SYS_RAWIO",
        "SYS_BOOT",
        "SYSLOG",
        "ALL",
    }
)
# Exactly these, and anything below the second kind.
_BROAD = frozenset({"/", "/etc", "/var", "/var/lib", "/var/run", "/run", "/home", "/usr", "/dev", "/sys", "/opt"})
_SECRET = (
    "/proc",
    "/root",
    "/boot",
    "/etc/kubernetes",
    "/etc/cni",
    "/etc/ssh",
    "/etc/shadow",
    "/etc/cron.d",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd",
    "/var/run/containerd",
    "/run/crio",
    "/var/run/crio",
    "/run/k3s",
)


def _privileged(event: Event) -> str:
    for spec in pod_specs(event) if succeeded(event) else ():
        for container in containers(spec):
            if at(container, "securityContext", "privileged") is True:
                return f"container {text(container.get('name', '?'))} is privileged"
        windows = [at(one, "securityContext", "windowsOptions", "hostProcess") for one in (spec, *containers(spec))]
        if True in windows:
            return "a HostProcess pod of Windows, which is privileged"
    return ""


def _host_path(event: Event) -> str:
    for spec in pod_specs(event) if succeeded(event) else ():
        for volume in (*objects(spec.get("volumes")), spec):  # the spec of a persistent volume is a volume itself
            for kind in ("hostPath", "local"):
                if sensitive(path := at(volume, kind, "path")):
                    return f"mounts {text(path)} of the node"
    return ""


def sensitive(path: object) -> bool:
    """Whether a hostPath opens the node: with `..` and doubled slashes resolved as the kernel would."""
    if not isinstance(path, str) or not path:
        return False
    plain = posixpath.normpath("/" + path.lstrip("/"))
    return plain in _BROAD or any(plain == secret or plain.startswith(secret + "/") for secret in _SECRET)


def _host_namespaces(event: Event) -> str:
    for spec in pod_specs(event) if succeeded(event) else ():
        if shared := [name for name in ("hostPID", "hostIPC", "hostNetwork") if spec.get(name) is True]:
            return f"shares the node's namespaces: {', '.join(shared)}"
    return ""


def _capability(event: Event) -> str:
    for spec in pod_specs(event) if succeeded(event) else ():
        for container in containers(spec):
            asked = texts(at(container, "securityContext", "capabilities", "add"))
            added = {name.upper().removeprefix("CAP_") for name in asked}  # containerd takes sys_admin, too
            if grave := sorted(added & _CAPABILITIES):
                return f"adds {', '.join(grave)} to container {text(container.get('name', '?'))}"
    return ""


def _system_pod(event: Event) -> str:
    if event.ref.namespace not in SYSTEM_NAMESPACES or not succeeded(event):
        return ""
    return f"a pod made in {event.ref.namespace}"


def _controller_account(event: Event) -> str:
    if event.ref.namespace != "kube-system" or not succeeded(event):
        return ""
    for spec in pod_specs(event):
        account = spec.get("serviceAccountName") or spec.get("serviceAccount")  # the old name still does
        if isinstance(account, str) and account.endswith("controller"):
            return f"a pod made to run as {account}"
    return ""


def _scheduled(event: Event) -> str:
    return f"{event.verb} of {event.ref}" if succeeded(event) else ""


def _daemon_set(event: Event) -> str:
    return "a pod on every node" if succeeded(event) else ""


RULES = (
    Rule(
        "privileged-container",
        4,
        "A privileged container",
        Severity.HIGH,
        ("T1610", "T1611"),
        WRITES,
        POD_BEARERS,
        _privileged,
        "network, storage and security agents, which belong on the allow-list by name",
        by=off_the_plane,
        body=True,
    ),
    Rule(
        "host-path",
        5,
        "A sensitive path of the node mounted into a pod, or made a persistent volume",
        Severity.HIGH,
        ("T1611",),
        WRITES,
        (*POD_BEARERS, "persistentvolumes"),
        _host_path,
        "log shippers, storage drivers, node agents",
        by=off_the_plane,
        body=True,
    ),
    Rule(
        "host-namespaces",
        6,
        "A pod in the node's network, process or IPC namespace",
        Severity.MEDIUM,
        ("T1611",),
        WRITES,
        POD_BEARERS,
        _host_namespaces,
        "network plugins, node exporters, ingress controllers",
        by=off_the_plane,
        body=True,
    ),
    Rule(
        "dangerous-capability",
        7,
        "A container with a capability that leads out of it",
        Severity.HIGH,
        ("T1611",),
        WRITES,
        POD_BEARERS,
        _capability,
        "network plugins, service mesh init containers, profilers",
        by=off_the_plane,
        body=True,
    ),
    Rule(
        "pod-in-system-namespace",
        8,
        "A pod made among the system's own",
        Severity.MEDIUM,
        ("T1036.005",),
        _CREATE,
        ("pods",),
        _system_pod,
        "cluster administrators and add-on managers",
        by=outsider,
    ),
    Rule(
        "controller-account-pod",
        9,
        "A pod made to run as one of the control plane's controllers",
        Severity.CRITICAL,
        ("T1078.001",),
        WRITES,
        ("pods", *WORKLOADS),
        _controller_account,
        "add-ons whose service account is called *controller",
        by=outsider,
        body=True,
    ),
    Rule(
        "scheduled-workload",
        10,
        "A job or cron job",
        Severity.LOW,
        ("T1053.007",),
        WRITES,
        ("jobs", "cronjobs"),
        _scheduled,
        "deployment pipelines: allow-list their accounts",
        by=outsider,
    ),
    Rule(
        "daemon-set",
        11,
        "A daemon set",
        Severity.MEDIUM,
        ("T1610",),
        _CREATE,
        ("daemonsets",),
        _daemon_set,
        "installation of node agents",
        by=outsider,
    ),
)
