"""Manifests in few words: workloads as a cluster shows them once they run. Instants are offsets, see clock.py."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

from irkit.drill.range.answer import Json

_SPACE = uuid.UUID("5e1f0d3c-7a52-4c0e-9f64-2d6a0b1c8e11")


def uid(kind: str, namespace: str, name: str) -> str:
    """The uid of an object of the scenario: always the same."""
    return str(uuid.uuid5(_SPACE, f"{kind}/{namespace}/{name}"))


def sha(text: str) -> str:
    """Sixty-four hex digits that belong to `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def thing(kind: str, api_version: str, namespace: str, name: str, *, at: str = "@-62d4h", **body: Any) -> Json:  # noqa: ANN401 - JSON
    """An object; `labels`, `annotations` and `ownerReferences` go into its metadata."""
    meta: Json = {"name": name, "uid": uid(kind, namespace, name), "creationTimestamp": at}
    if namespace:
        meta["namespace"] = namespace
    for key in ("labels", "annotations", "ownerReferences", "generateName", "generation"):
        if key in body:
            meta[key] = body.pop(key)
    return {"kind": kind, "apiVersion": api_version, "metadata": meta, **body}


def owned_by(owner: Json) -> list[Json]:
    """The ownerReferences of what `owner` controls."""
    meta = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    return [reference | {"controller": True, "blockOwnerDeletion": True}]


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet with the pods it has: `pods` maps a pod's name tail to (node, IP)."""

    namespace: str
    name: str
    image: str
    port: int
    pods: dict[str, tuple[str, str]]
    template: str = ""  # the ReplicaSet's hash; "" for a StatefulSet
    at: str = "@-2d6h"
    account: str = "default"
    env: list[Json] = field(default_factory=list)

    @property
    def labels(self) -> dict[str, str]:
        """What its selector selects."""
        return {"app": self.name}

    def spec(self) -> Json:
        """The pod template's spec."""
        return {
            "containers": [
                {
                    "name": self.name,
                    "image": self.image,
                    "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": self.port, "name": "main", "protocol": "TCP"}],
                    "env": self.env,
                    "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "128Mi"}},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                }
            ],
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": "Always",
            "schedulerName": "default-scheduler",
            "securityContext": {},
            "serviceAccount": self.account,
            "serviceAccountName": self.account,
            "terminationGracePeriodSeconds": 30,
        }

    def objects(self) -> list[Json]:
        """The controller, its ReplicaSet if it has one, and its pods."""
        top = self._controller("Deployment" if self.template else "StatefulSet", self.name)
        if not self.template:
            return [top, *(self._pod(f"{self.name}-{tail}", top, tail) for tail in self.pods)]
        low = self._controller("ReplicaSet", f"{self.name}-{self.template}", owner=top)
        return [top, low, *(self._pod(f"{low['metadata']['name']}-{tail}", low, tail) for tail in self.pods)]

    def _controller(self, kind: str, name: str, owner: Json | None = None) -> Json:
        count = len(self.pods)
        hashed = {"pod-template-hash": self.template} if kind == "ReplicaSet" else {}
        labels = self.labels | hashed
        spec = {
            "replicas": count,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": self.spec()},
        }
        status = {"observedGeneration": 1, "replicas": count, "readyReplicas": count, "availableReplicas": count}
        if kind == "StatefulSet":
            spec["serviceName"] = self.name
        if kind != "ReplicaSet":
            status["updatedReplicas"] = count
        references = {"ownerReferences": owned_by(owner)} if owner else {}
        return thing(kind, "apps/v1", self.namespace, name, at=self.at, labels=labels, generation=1,
                     spec=spec, status=status, **references)  # fmt: skip

    def _pod(self, name: str, owner: Json, tail: str) -> Json:
        node, address = self.pods[tail]
        extra = {} if self.template else {"statefulset.kubernetes.io/pod-name": name}
        labels = owner["spec"]["selector"]["matchLabels"] | extra
        return thing(
            "Pod", "v1", self.namespace, name, at=self.at, labels=labels, ownerReferences=owned_by(owner),
            generateName=f"{owner['metadata']['name']}-", spec={**self.spec(), "nodeName": node},
            status=running(self.spec()["containers"], name, node, address, self.at),
        )  # fmt: skip


def running(containers: list[Json], pod: str, node: str, address: str, at: str) -> Json:
    """The status of a pod that has run without a fault since `at`."""
    conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "conditions": [
            {"type": name, "status": "True", "lastProbeTime": None, "lastTransitionTime": at} for name in conditions
        ],
        "hostIP": NODES[node],
        "hostIPs": [{"ip": NODES[node]}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": at,
        "qosClass": "Burstable",
        "containerStatuses": [container_status(each, pod, at) for each in containers],
    }


def container_status(container: Json, pod: str, at: str) -> Json:
    """The status of a container that has run since `at`."""
    name, image = container["name"], container["image"]
    return {
        "name": name,
        "state": {"running": {"startedAt": at}},
        "lastState": {},
        "ready": True,
        "started": True,
        "restartCount": 0,
        "image": image,
        "imageID": f"{image.rpartition(':')[0]}@sha256:{sha(image)}",
        "containerID": f"containerd://{sha(pod + name)}",
    }


def service(namespace: str, name: str, address: str, port: int, pods: list[Json]) -> list[Json]:
    """A Service for the pods labelled app=`name`, and its EndpointSlice."""
    spec = {
        "clusterIP": address, "clusterIPs": [address], "type": "ClusterIP", "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
        "ports": [{"name": "main", "port": port, "protocol": "TCP", "targetPort": "main"}],
        "selector": {"app": name},
    }  # fmt: skip
    top = thing("Service", "v1", namespace, name, spec=spec, status={"loadBalancer": {}})
    ready = {"ready": True, "serving": True, "terminating": False}
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]], "conditions": ready, "nodeName": pod["spec"]["nodeName"],
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod["metadata"]["name"],
                          "uid": pod["metadata"]["uid"]},
        }
        for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
    ]  # fmt: skip
    labels = {
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    below = thing(
        "EndpointSlice", "discovery.k8s.io/v1", namespace, f"{name}-{sha(name)[:5]}", labels=labels,
        ownerReferences=owned_by(top), generateName=f"{name}-", addressType="IPv4", endpoints=endpoints,
        ports=[{"name": "main", "port": port, "protocol": "TCP"}],
    )  # fmt: skip
    return [top, below]


NODES = {"node-1": "192.0.2.10", "node-2": "192.0.2.11", "node-3": "192.0.2.12"}


def node(name: str) -> Json:
    """A node that is well."""
    control = {"node-role.kubernetes.io/control-plane": ""} if name == "node-1" else {}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **control}
    about = {
        "kubeletVersion": "v1.37.2", "kernelVersion": "6.12.38", "osImage": "Debian GNU/Linux 13 (trixie)",
        "containerRuntimeVersion": "containerd://2.1.4", "operatingSystem": "linux", "architecture": "amd64",
        "bootID": uid("boot", "", name), "machineID": sha(name)[:32], "systemUUID": uid("system", "", name),
        "kubeProxyVersion": "v1.37.2",
    }  # fmt: skip
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    status = {
        "addresses": [{"type": "InternalIP", "address": NODES[name]}, {"type": "Hostname", "address": name}],
        "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"},
        "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
        "conditions": [ready | {"lastHeartbeatTime": "@-3m", "lastTransitionTime": "@-62d4h"}],
        "nodeInfo": about,
    }
    number = int(name[-1])
    return thing("Node", "v1", "", name, labels=labels, spec={"podCIDR": f"10.244.{number}.0/24"}, status=status)
