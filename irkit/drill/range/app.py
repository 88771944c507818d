"""One request's way through the server: who, may they, what, and the line in the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from irkit.drill.range.access import rbac
from irkit.drill.range.access.audit import AuditLog, Record
from irkit.drill.range.access.users import impersonated
from irkit.drill.range.answer import Answer, ApiFailure, Json, encode, no_such_resource, not_allowed
from irkit.drill.range.face import discovery
from irkit.drill.range.kinds import table
from irkit.drill.range.request import Ask, understand
from irkit.drill.range.verbs import delete, kubelet, read, reviews, subresources, watch, write
from irkit.drill.range.verbs.call import Call, World

Handler = Callable[[Call], Answer]

_VERBS: Mapping[str, Handler] = {
    "get": read.get,
    "list": read.list_,
    "watch": watch.watch,
    "create": write.create,
    "update": write.update,
    "patch": write.patch,
    "delete": delete.delete,
    "deletecollection": delete.delete_all,
}
_CREATED: Mapping[str, Handler] = {
    "selfsubjectaccessreviews": reviews.access,
    "selfsubjectrulesreviews": reviews.rules,
    "selfsubjectreviews": reviews.myself,
}
_SUBRESOURCES: Mapping[str, Mapping[str, Handler]] = {
    "log": {"get": subresources.log},
    "eviction": {"create": subresources.evict},
    "token": {"create": subresources.token},
    "scale": {"get": subresources.scale, "update": subresources.rescale, "patch": subresources.rescale},
    "exec": {"get": subresources.unsupported, "create": subresources.unsupported},
    "proxy": dict.fromkeys(("get", "create", "update", "patch", "delete"), kubelet.proxy),
}


class Api:
    """The API server, an ASGI application: it finds its own way from a path, and says its own 405."""

    def __init__(self, world: World, audit: AuditLog) -> None:
        self.world, self.audit = world, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, answered."""
        response = await self.serve(Request(scope, receive))
        await response(scope, receive, send)

    async def serve(self, request: Request) -> Response:
        """One request, from bytes to bytes."""
        raw = await request.body()
        record = self._record(request)
        try:
            answer = self._answer(request, raw, record)
        except ApiFailure as failure:
            answer = failure.answer()
            record.failure = answer.body
        record.code = answer.code
        record.response = record.response or (None if record.failure else answer.body)
        headers = {"Audit-Id": record.audit_id, "Cache-Control": "no-cache, private", **answer.headers}
        if answer.stream is not None:
            stream = self._streamed(answer.stream, record)
            return StreamingResponse(stream, answer.code, headers, answer.media)
        self.audit.record(record)
        content = answer.text.encode() if answer.body is None else encode(answer.body)
        return Response(content, answer.code, headers, answer.media or None)

    async def _streamed(self, stream: AsyncIterator[bytes], record: Record) -> AsyncIterator[bytes]:
        if record.ask.verb == "watch":
            self.audit.record(record, "ResponseStarted")
        try:
            async for chunk in stream:
                yield chunk
        finally:
            self.audit.record(record)

    def _record(self, request: Request) -> Record:
        target = request.scope["raw_path"].decode("latin-1")
        ask = understand(request.method, target, dict(request.query_params))
        query = request.scope["query_string"].decode("latin-1")
        return Record(
            request.headers.get("audit-id") or self.world.store.uid(),
            ask,
            f"{target}?{query}" if query else target,
            request.headers.get("user-agent", ""),
            request.client.host if request.client else "",
            self.world.store.clock(),
        )

    def _answer(self, request: Request, raw: bytes, record: Record) -> Answer:
        ask, world = record.ask, self.world
        world.controllers.run()
        user = record.user = world.users.of(request.headers)
        record.acting = impersonated(request.headers, request.headers.getlist("impersonate-group"))
        if record.acting:
            rbac.check(world.store, user, Ask("impersonate", "", {}, "", "v1", "users", name=record.acting.name))
        record.reason = rbac.check(world.store, record.acting or user, ask)
        if not ask.resource:
            return _plain(ask)
        kind = table.at(ask.group, ask.version, ask.resource)
        if kind is None:
            return _lost(ask)
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        accept = request.headers.get("accept", "")
        agent = request.headers.get("user-agent", "")
        call = Call(ask, kind, record.acting or user, world, raw, media, accept, agent)
        answer = self._handled(call, record)
        answer.headers |= _warnings(call.warnings)
        return answer

    def _handled(self, call: Call, record: Record) -> Answer:
        handler = _handler(call)
        try:
            return handler(call)
        finally:
            record.request = _seen(call)
            self.world.controllers.run()


def _handler(call: Call) -> Handler:
    ask, verbs = call.ask, call.kind.allowed(call.ask.subresource)
    if verbs is None:
        raise no_such_resource()
    if ask.verb not in verbs or bool(ask.name) is not _needs_name(ask):
        raise not_allowed()
    if ask.subresource in _SUBRESOURCES:
        return _SUBRESOURCES[ask.subresource][ask.verb]
    return _CREATED.get(ask.resource, _VERBS[ask.verb]) if ask.verb == "create" else _VERBS[ask.verb]


def _needs_name(ask: Ask) -> bool:
    return (
        bool(ask.subresource)
        or ask.verb in ("get", "update", "patch", "delete")
        or bool(ask.verb == "watch" and ask.name)
    )


def _seen(call: Call) -> Json | None:
    """The body as the audit log shows it; None where there is none, or where it is no object."""
    if not call.raw:
        return None
    try:
        return _patch(call) if "patch" in call.media else call.body()
    except ApiFailure:
        return None


def _patch(call: Call) -> Json | None:
    from json import loads

    try:
        parsed: Json = loads(call.raw)
    except ValueError:
        return None
    return parsed


def _plain(ask: Ask) -> Answer:
    answer = discovery.found(ask.path)
    if answer is None:
        return Answer(404, text="404 page not found\n", media="text/plain")
    if ask.verb not in ("get", "head"):
        raise not_allowed()
    return answer


def _lost(ask: Ask) -> Answer:
    if any((kind.group, kind.version) == (ask.group, ask.version) for kind in table.kinds()):
        raise no_such_resource()
    return Answer(404, text="404 page not found\n", media="text/plain")


def _warnings(told: list[str]) -> dict[str, str]:
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in told]
    return {"Warning": ", ".join(f'299 - "{text}"' for text in escaped)} if escaped else {}
