"""The kubelet behind a node, by nodes/proxy: checkpoints, the node's journal and its files."""

from __future__ import annotations

from collections.abc import Iterator

from irkit.drill.range.answer import Answer, Json
from irkit.drill.range.verbs.call import Call
from irkit.drill.range.verbs.read import existing
from irkit.times import rfc3339


def proxy(call: Call) -> Answer:
    """What the kubelet of the practice cluster answers; as a real one's, its 404 is plain text."""
    existing(call)
    what, _, rest = call.ask.rest.partition("/")
    if what == "checkpoint" and call.ask.verb == "create":
        return _checkpoint(call, rest.split("/"))
    if what == "logs" and call.ask.verb == "get" and call.ask.query.get("query") in ("kubelet", "containerd"):
        lines = (f"{at} {call.ask.name} {unit}[1]: {said}\n" for at, unit, said in _journal(call))
        return Answer(200, text="".join(lines), media="text/plain")
    if what == "logs" and call.ask.verb == "get" and "query" not in call.ask.query:
        return _below(call, f"{call.ask.name}/{rest}".rstrip("/"))
    return Answer(404, text="404 page not found\n", media="text/plain")


def _below(call: Call, path: str) -> Answer:
    """A file below /var/log, or what is in a folder there, as Go's file server lists it."""
    if path in call.world.files:
        return Answer(200, text=call.world.files[path].read_text("utf-8", "surrogateescape"), media="text/plain")
    inside = {name[len(path) + 1 :].partition("/")[0] for name in call.world.files if name.startswith(f"{path}/")}
    listed = "".join(f'<a href="{name}">{name}</a>\n' for name in sorted(inside))
    return Answer(200 if inside else 404, text=f"<pre>\n{listed}</pre>\n", media="text/html")


def _checkpoint(call: Call, parts: list[str]) -> Answer:
    """Nothing is written; the answer says where a real kubelet would have."""
    namespace, name, container, *_ = [*parts, "", "", ""]
    pod = next((each for each in _pods(call) if _named(each) == (namespace, name)), None)
    if pod is None:
        return Answer(404, text="pod does not exist\n", media="text/plain")
    if container not in {each["name"] for each in pod["spec"]["containers"]}:
        return Answer(404, text=f"container {container} does not exist\n", media="text/plain")
    at = rfc3339(call.store.clock())
    path = f"/var/lib/kubelet/checkpoints/checkpoint-{name}_{namespace}-{container}-{at}.tar"
    return Answer(200, {"items": [path]})


def _journal(call: Call) -> Iterator[tuple[str, str, str]]:
    unit = call.ask.query["query"]
    for pod in _pods(call):
        namespace, name = _named(pod)
        at = str(pod["metadata"].get("creationTimestamp", ""))
        if at >= call.ask.query.get("sinceTime", ""):
            if unit == "kubelet":
                yield at, unit, f'"SyncLoop ADD" source="api" pods=["{namespace}/{name}"]'
            else:
                yield at, unit, f"RunPodSandbox for name:{name} uid:{pod['metadata']['uid']} namespace:{namespace}"


def _pods(call: Call) -> Iterator[Json]:
    return (pod for pod in call.store.everything("Pod") if pod["spec"].get("nodeName") == call.ask.name)


def _named(pod: Json) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
