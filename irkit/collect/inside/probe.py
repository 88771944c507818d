"""The ephemeral container that sees a container's processes: put into the pod, waited for, ended by its own clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from irkit import digest
from irkit.cluster.objects import entries, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resolve import check
from irkit.cluster.resources import PODS
from irkit.collect.collector import pod_of
from irkit.errors import Conflict, IrkitError
from irkit.model.isolation import Change
from irkit.model.pod import Target

PATCH = PODS.permission("patch", "ephemeralcontainers")
LIFE = 600  # seconds until the probe ends by itself: an ephemeral container cannot be removed
_TRIES = 6  # a pod's status changes while it is read
_POLL = 0.25  # seconds
# Waiting for these is in vain (pkg/kubelet/images, kuberuntime)
_STUCK = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError",
          "CreateContainerError", "RunContainerError")  # fmt: skip


class NoProbe(IrkitError):
    """The probe does not run."""


def placed(
    target: Target, containers: Sequence[str], image: str, cluster: Cluster, intend: Callable[[Change], None]
) -> dict[str, str]:
    """The probe of each of `containers`, by its name: one that runs already, or one put there now.

    Raises whatever the API server says, PodReplaced included. `intend` hears of the change before it is made.
    """
    path = PODS.path(target.namespace, target.name, "ephemeralcontainers")
    for left in reversed(range(_TRIES)):
        pod = check(pod_of(target), cluster).json()
        there = {name: _running(pod, name, image) for name in containers}
        fresh = {name: _named(pod, name) for name, probe in there.items() if not probe}
        if not fresh:
            break
        operations = _operations(pod, [_spec(probe, name, image) for name, probe in fresh.items()])
        detail = f"ephemeral containers {', '.join(fresh.values())} from {image}; they stay in the pod, ended"
        intend(Change("patch", "Pod", target.namespace, target.name, detail, operations))
        try:
            cluster.patch(path, operations).json()  # raises for the page of a proxy, which put nothing there
        except Conflict:
            if not left:
                raise
            continue
        return {name: probe or fresh[name] for name, probe in there.items()}
    return {name: str(probe) for name, probe in there.items()}


def await_running(target: Target, probe: str, cluster: Cluster) -> None:
    """Return once the probe runs; raises NoProbe where it will not, DeadlineExceeded when time is over."""
    while True:
        pod = check(pod_of(target), cluster).json()
        state = part(_status(pod, probe), "state")
        if "running" in state:
            return
        waiting, ended = part(state, "waiting"), part(state, "terminated")
        if waiting.get("reason") in _STUCK or ended:
            why = waiting or ended
            told = f"{why.get('reason')}: {why.get('message') or 'exit code ' + str(why.get('exitCode'))}"
            hint = "check --probe-image; the node must be able to pull it before the pod is isolated"
            raise NoProbe(f"the probe {probe} does not run: {told}", hint)
        time.sleep(_POLL)


def _operations(pod: Json, fresh: list[Json]) -> list[Json]:
    metadata = part(pod, "metadata")
    tests = [
        {"op": "test", "path": f"/metadata/{key}", "value": metadata.get(key)} for key in ("uid", "resourceVersion")
    ]
    if entries(part(pod, "spec"), "ephemeralContainers"):
        return [*tests, *({"op": "add", "path": "/spec/ephemeralContainers/-", "value": each} for each in fresh)]
    return [*tests, {"op": "add", "path": "/spec/ephemeralContainers", "value": fresh}]


def _spec(probe: str, container: str, image: str) -> Json:
    """As `kubectl debug --profile=general`: another user's /proc entries take root and SYS_PTRACE."""
    return {
        "name": probe,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", str(LIFE)],
        "targetContainerName": container,
        "securityContext": {"runAsUser": 0, "runAsNonRoot": False, "capabilities": {"add": ["SYS_PTRACE"]}},
    }


def _mark(container: str) -> str:
    return f"irkit-probe-{digest.of_bytes(container.encode())[:8]}-"


def _named(pod: Json, container: str) -> str:
    """A free name: a probe that has ended keeps its own for ever."""
    taken = sum(str(each.get("name")).startswith(_mark(container)) for each in _ephemeral(pod))
    return f"{_mark(container)}{taken + 1}"


def _running(pod: Json, container: str, image: str) -> str | None:
    """A probe from `image` that an earlier attempt has left running, or is starting; None where there is none."""
    for each in _ephemeral(pod):
        name = str(each.get("name"))
        ours = name.startswith(_mark(container)) and each.get("image") == image
        if ours and "terminated" not in part(_status(pod, name), "state"):
            return name
    return None


def _ephemeral(pod: Json) -> Iterable[Json]:
    return entries(part(pod, "spec"), "ephemeralContainers")


def _status(pod: Json, probe: str) -> Json:
    statuses = entries(part(pod, "status"), "ephemeralContainerStatuses")
    return next((each for each in statuses if each.get("name") == probe), {})
