"""What an object must be to be kept: the checks that responders and their tools run into."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from irkit.drill.range.answer import ApiFailure, Cause, Json, bad_request, invalid
from irkit.drill.range.kinds.selectors import matches
from irkit.drill.range.kinds.table import Kind
from irkit.drill.range.kinds.types import of_kind, prune
from irkit.drill.range.verbs.call import Call

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_PATH_NAMES = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
_POD_MAY_CHANGE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "ephemeralContainers",
                   "nodeName", "schedulingGates")  # fmt: skip
_POD_SPEC = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def typed(call: Call, obj: Json, before: Json | None = None) -> Json:
    """`obj` without unknown fields, which `fieldValidation` refuses, warns of or ignores.

    Fields of `before` that no type knows stay: a seeded object may carry what a newer API would.
    """
    kind = call.kind
    given = (obj.get("apiVersion") or kind.api_version, obj.get("kind") or kind.kind)
    if given != (kind.api_version, kind.kind):
        raise bad_request(_wrong_kind(kind, *given))
    old: list[str] = []
    unknown: list[str] = []
    prune(of_kind(kind.kind), before or {}, old)
    pruned: Json = prune(of_kind(kind.kind), obj, unknown)
    fresh = [path for path in unknown if path not in old]
    told = [f'unknown field "{path}"' for path in fresh]
    mode = call.ask.query.get("fieldValidation", "Warn")
    if told and mode == "Strict":
        raise _unknown(call, obj, "strict decoding error: " + ", ".join(told))
    if mode == "Warn":
        call.warnings += told
    return obj if old else pruned


def _unknown(call: Call, obj: Json, why: str) -> ApiFailure:
    kind = call.kind
    if call.ask.verb == "patch" and call.media != "application/apply-patch+yaml":
        return invalid("", "", [_invalid("patch", json.dumps(obj, sort_keys=True), why)])
    return bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')


def _wrong_kind(kind: Kind, api_version: str, name: str) -> str:
    version = api_version.rpartition("/")[2]
    if api_version != kind.api_version:
        return (
            f'{name} in version "{version}" cannot be handled as a {kind.kind}: no kind "{name}" is registered for '
            f'version "{api_version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    return (
        f'{name} in version "{version}" cannot be handled as a {kind.kind}: converting ({version}.{name}) to '
        f"({kind.group.partition('.')[0] or 'core'}.{kind.kind}): unknown conversion"
    )


def check(kind: Kind, obj: Json, before: Json | None) -> None:
    """Raises 422 with every cause found."""
    causes = [*_meta(kind, obj["metadata"]), *_spec(kind, obj, before)]
    if before is not None:
        causes += _immutable(obj["metadata"], before["metadata"])
    if causes:
        raise invalid(kind.kind, obj["metadata"].get("name", ""), causes, group=kind.group)


def _invalid(where: str, value: object, why: str) -> Cause:
    shown = json.dumps(value, separators=(",", ":"))
    return Cause(where, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def _meta(kind: Kind, meta: Json) -> Iterator[Cause]:
    name = meta.get("name", "")
    if kind.plural in _PATH_NAMES:
        bad = "/" in name or "%" in name or name in (".", "..")
        why = "may not contain '/' or '%'"
    else:
        bad = len(name) > 253 or not re.fullmatch(_SUBDOMAIN, name)
        why = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            f"'{_SUBDOMAIN}')"
        )
    if not name:
        yield Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
    elif bad:
        yield _invalid("metadata.name", name, why)
    for key, value in (meta.get("labels") or {}).items():
        yield from _label(key, value)


def _label(key: str, value: str) -> Iterator[Cause]:
    prefix, _, name = key.rpartition("/")
    if len(name) > 63 or not re.fullmatch(_LABEL_NAME, name):
        yield _invalid(
            "metadata.labels",
            key,
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            f"'{_LABEL_NAME}')",
        )
    if prefix and not re.fullmatch(_SUBDOMAIN, prefix):
        yield _invalid("metadata.labels", key, "prefix part a lowercase RFC 1123 subdomain")
    if len(value) > 63:
        yield _invalid("metadata.labels", value, "must be no more than 63 bytes")
    elif not re.fullmatch(_LABEL_VALUE, value):
        yield _invalid(
            "metadata.labels",
            value,
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
            f"for validation is '{_LABEL_VALUE}')",
        )


def _immutable(meta: Json, before: Json) -> Iterator[Cause]:
    for name in ("uid", "creationTimestamp"):
        if meta.get(name) != before.get(name):
            yield _invalid(f"metadata.{name}", meta.get(name), "field is immutable")
    added = set(meta.get("finalizers") or []) - set(before.get("finalizers") or [])
    if before.get("deletionTimestamp") and added:
        listed = ", ".join(f'"{name}"' for name in sorted(added))
        why = "no new finalizers can be added if the object is being deleted, found new finalizers "
        why += f"[]string{{{listed}}}"
        yield Cause("metadata.finalizers", "FieldValueForbidden", f"Forbidden: {why}")


def _spec(kind: Kind, obj: Json, before: Json | None) -> Iterator[Cause]:
    spec, old = obj.get("spec") or {}, None if before is None else before.get("spec") or {}
    if kind.kind == "Pod":
        yield from _pod(spec, old)
    elif kind.kind == "NetworkPolicy":
        yield from _policy(spec)
    elif kind.kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        yield from _workload(spec, old)


def _pod(spec: Json, old: Json | None) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield Cause("spec.containers", "FieldValueRequired", "Required value")
    elif old is not None and _frozen(spec) != _frozen(old):
        yield Cause("spec", "FieldValueForbidden", f"Forbidden: {_POD_SPEC}")


def _policy(spec: Json) -> Iterator[Cause]:
    for index, name in enumerate(spec.get("policyTypes") or []):
        if name not in ("Ingress", "Egress"):
            message = f'Unsupported value: "{name}": supported values: "Ingress", "Egress"'
            yield Cause(f"spec.policyTypes[{index}]", "FieldValueNotSupported", message)


def _workload(spec: Json, old: Json | None) -> Iterator[Cause]:
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        yield Cause("spec.selector", "FieldValueRequired", "Required value")
    elif not matches(selector, labels):
        yield _invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if old is not None and selector != old.get("selector"):
        yield _invalid("spec.selector", selector, "field is immutable")


def _frozen(spec: Json) -> Json:
    kept = {key: value for key, value in spec.items() if key not in _POD_MAY_CHANGE}
    for group in ("containers", "initContainers"):
        if group in kept:
            kept[group] = [{**each, "image": ""} for each in kept[group]]
    return kept
