"""What the pod's object refers to: the secrets an intruder in it could read, its configuration, volumes and host paths.

Computed from the pod alone, so it takes no permission to read a secret: it says which ones to replace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from irkit.cluster.protocol import Json
from irkit.collect.pod.containers import Container, containers


@dataclass(frozen=True, slots=True)
class Reference:
    """One thing the pod names, and where it names it."""

    kind: str  # "Secret", "ConfigMap", "PersistentVolumeClaim", "HostPath"
    name: str  # of a HostPath the path
    through: str  # "variable DB_PASSWORD of container app", "volume data", "image pulls"
    keys: tuple[str, ...] = ()  # empty: all of them


def references(pod: Json) -> Iterator[Reference]:
    """Everything that the pod refers to by name, with each place where it does."""
    spec, name = pod.get("spec") or {}, (pod.get("metadata") or {}).get("name", "")
    for secret in spec.get("imagePullSecrets") or ():
        yield Reference("Secret", secret["name"], "image pulls")
    for volume in spec.get("volumes") or ():
        yield from _volume(volume, str(name))
    for container in containers(pod):
        yield from _variables(container)


def table(pod: Json) -> Json:
    """`{kind: [{name, through: [...], keys: [...]}]}`, `keys` empty where all of them are within reach."""
    found: dict[str, dict[str, list[Reference]]] = defaultdict(lambda: defaultdict(list))
    for each in references(pod):
        found[each.kind][each.name].append(each)
    return {kind: [_row(name, named) for name, named in sorted(rows.items())] for kind, rows in sorted(found.items())}


def _row(name: str, found: list[Reference]) -> Json:
    every = not all(each.keys for each in found)
    keys = [] if every else sorted({key for each in found for key in each.keys})
    return {"name": name, "through": [each.through for each in found], "keys": keys}


def _variables(container: Container) -> Iterator[Reference]:
    for source in container.spec.get("envFrom") or ():
        for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
            if named := source.get(field):
                yield Reference(kind, named["name"], f"all variables of container {container.name}")
    for variable in container.spec.get("env") or ():
        source = variable.get("valueFrom") or {}
        for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
            if named := source.get(field):
                through = f"variable {variable['name']} of container {container.name}"
                yield Reference(kind, named["name"], through, (named["key"],))


def _volume(volume: Json, pod: str) -> Iterator[Reference]:
    through = f"volume {volume['name']}"
    projected = (volume.get("projected") or {}).get("sources") or ()
    for source in (volume, *projected):
        # A volume names its secret "secretName", a projected source "name".
        if secret := source.get("secret"):
            yield Reference("Secret", secret.get("secretName") or secret["name"], through, _items(secret))
        if config := source.get("configMap"):
            yield Reference("ConfigMap", config["name"], through, _items(config))
    if claim := volume.get("persistentVolumeClaim"):
        yield Reference("PersistentVolumeClaim", claim["claimName"], through)
    if volume.get("ephemeral"):  # the claim made for it is called after pod and volume
        yield Reference("PersistentVolumeClaim", f"{pod}-{volume['name']}", through)
    if host := volume.get("hostPath"):
        yield Reference("HostPath", host["path"], through)


def _items(source: Json) -> tuple[str, ...]:
    return tuple(item["key"] for item in source.get("items") or ())
