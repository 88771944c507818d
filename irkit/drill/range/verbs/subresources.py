"""What hangs below an object: logs, scale, eviction, tokens."""

from __future__ import annotations

from datetime import timedelta

from irkit.drill.range.access.users import service_account
from irkit.drill.range.answer import Answer, ApiFailure, Json, bad_request
from irkit.drill.range.state.logs import Options
from irkit.drill.range.verbs.call import Call, number
from irkit.drill.range.verbs.delete import gone
from irkit.drill.range.verbs.read import existing
from irkit.drill.range.verbs.write import changed, patched
from irkit.times import parse, rfc3339

_GROUPS = ("initContainers", "containers", "ephemeralContainers")


def log(call: Call) -> Answer:
    """A container's log; raises 400 as the kubelet words it."""
    pod = existing(call)
    container = _container(pod, call.ask.query.get("container", ""))
    previous = call.ask.flag("previous")
    options = _options(call)
    path = call.world.logs.path(pod, container, previous=previous)
    name = pod["metadata"]["name"]
    if previous and not path.exists():
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    if (waiting := _waiting(pod, container)) and not previous and not path.exists():
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {waiting}')
    if not pod["spec"].get("nodeName") and not path.exists():
        return Answer(204, text="", media="")
    uid, key = pod["metadata"]["uid"], (pod["metadata"]["namespace"], name)

    def over() -> bool:
        now = call.store.get(call.kind, *key)
        return call.world.closing or now is None or now["metadata"]["uid"] != uid

    return Answer(200, stream=call.world.logs.read(path, options, over), media="text/plain")


def _options(call: Call) -> Options:
    query = call.ask.query
    if query.get("sinceSeconds") and query.get("sinceTime"):
        raise ApiFailure(422, "Invalid", "at most one of `sinceTime` or `sinceSeconds` may be specified", {})
    seconds, limit, tail = (number(call, name) for name in ("sinceSeconds", "limitBytes", "tailLines"))
    since = call.store.clock() - timedelta(seconds=seconds) if seconds else None
    if query.get("sinceTime"):
        since = parse(query["sinceTime"])
    return Options(call.ask.flag("timestamps"), call.ask.flag("follow"), tail, since, limit)


def _container(pod: Json, asked: str) -> str:
    named = {group: [each["name"] for each in pod["spec"].get(group) or []] for group in _GROUPS}
    name = pod["metadata"]["name"]
    if asked:
        if not any(asked in names for names in named.values()):
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(named["containers"]) == 1 and not named["initContainers"]:
        return str(named["containers"][0])
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(named['containers'])}]"
    if named["initContainers"]:
        message += f" or one of the init containers: [{' '.join(named['initContainers'])}]"
    raise bad_request(message)


def _waiting(pod: Json, container: str) -> str:
    status = pod.get("status") or {}
    known = [each for key in status if key.lower().endswith("containerstatuses") for each in status[key]]
    state = next((each.get("state") or {} for each in known if each["name"] == container), {})
    return str((state.get("waiting") or {}).get("reason", ""))


def evict(call: Call) -> Answer:
    """The pod deleted, as an eviction."""
    gone(call, existing(call))
    return Answer(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})


def token(call: Call) -> Answer:
    """A token of a service account, bound to a pod when the request says so."""
    account, body = existing(call), call.body()
    meta, spec = account["metadata"], body.get("spec") or {}
    bound = spec.get("boundObjectRef") or {}
    pod = (bound["name"], bound.get("uid", "")) if bound.get("kind") == "Pod" else None
    given = call.world.users.token(service_account(meta["namespace"], meta["name"], uid=meta["uid"], pod=pod))
    ends = call.store.clock() + timedelta(seconds=spec.get("expirationSeconds") or 3600)
    shown = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    about = {"metadata": {"name": meta["name"], "namespace": meta["namespace"]}, "spec": spec}
    return Answer(201, {**shown, **about, "status": {"token": given, "expirationTimestamp": rfc3339(ends)}})


def scale(call: Call) -> Answer:
    """How many replicas there are."""
    return Answer(200, _scale(existing(call)))


def rescale(call: Call) -> Answer:
    """So many replicas from now on."""
    obj = existing(call)
    body = patched(call, _scale(obj)) if call.ask.verb == "patch" else call.body()
    replicas = (body.get("spec") or {}).get("replicas", 0)
    return Answer(200, _scale(changed(call, obj, {**obj, "spec": {**obj["spec"], "replicas": replicas}})))


def _scale(obj: Json) -> Json:
    meta = {key: obj["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    replicas = obj["spec"].get("replicas", 1)
    status = {"replicas": (obj.get("status") or {}).get("replicas", replicas)}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta,
            "spec": {"replicas": replicas}, "status": status}  # fmt: skip


def unsupported(call: Call) -> Answer:
    """Exec and its like need an upgraded connection, and processes: the range has neither."""
    existing(call)
    raise bad_request("Upgrade request required")
