"""`irkit audit`: who did it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli.app import group
from irkit.cli.command import command
from irkit.cli.face import Face, Output
from irkit.errors import Exit, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from irkit.audit.read.scan import Share
    from irkit.audit.search import Search
    from irkit.model.audit import Match
    from irkit.model.pod import PodRef, Target

audits = group("audit", "Read audit logs: the events that concern a pod.")
Sources = Annotated[
    list[str], typer.Argument(metavar="SRC...", help="Files, folders, globs, '-', s3://, cloudwatch://, node-logs://.")
]
PodName = Annotated[str | None, typer.Option("--pod", metavar="POD", help="Events that concern this pod.")]
Uid = Annotated[str | None, typer.Option("--uid", help="Events that concern the pod with this uid.")]
Account = Annotated[str | None, typer.Option("--service-account", metavar="NAME", help="The pod's service account.")]
Ips = Annotated[list[str] | None, typer.Option("--ip", metavar="ADDRESS", help="An address the pod had. Repeats.")]
Node = Annotated[str | None, typer.Option("--node", metavar="NODE", help="The node the pod ran on.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="RFC 3339, or an age: 90m, 36h, 7d.")]
Where = Annotated[str, typer.Option("--where", metavar="FILTER", help="Such as: verb = get and subresource = exec.")]
Afar = Annotated[
    str | None, typer.Option("--queue", metavar="URL", help="Have workers at this queue read: irkit queue scan.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Likewise.")]

_WHICH = "--pod POD -n NS or --uid UID; --where asks for anything"


@command(audits, "search")
def search(
    face: Face,
    sources: Sources,
    pod: PodName = None,
    uid: Uid = None,
    service_account: Account = None,
    ip: Ips = None,
    node: Node = None,
    since: Since = None,
    until: Until = None,
    where: Where = "",
    queue: Afar = None,
) -> Exit:
    """Find the events that concern a pod, or that pass a filter, each with its reason. Exit 4: a source is missing."""
    from irkit.audit.search import search as find

    named = subject(face, pod, uid, service_account)
    if named:
        named = replace(named, pod_ips=tuple(map(_address, ip or ())), node=node or "")
    elif not where:
        raise UsageError("which events?", "--pod POD -n NS, --uid UID or --where FILTER")
    elif ip or node:
        raise UsageError("--ip and --node tell more of a pod: of which?", _WHICH)
    doubt(face, where)
    with shared(face, queue) as share:
        found = find(
            sources, named, since=instant(since), until=instant(until), where=where, door=face.door, share=share
        )
        matches = _given(face, found)
    if face.output is Output.JSON:
        face.emit({"matches": matches, "summary": found.summary(), "gaps": found.gaps})
    summary = found.summary()
    face.note(f"{sum(summary.matched.values())} of {summary.events} events; {summary.malformed} malformed lines", "dim")
    if found.unknown:
        face.note(f"{found.unknown} events cannot be judged: the audit level left out what the filter asks for", "warn")
    return face.missing(found.gaps)


def _given(face: Face, found: Search) -> list[dict[str, Any]]:
    """Print each match; for one JSON document they are returned instead."""
    from irkit.audit.told import line, parsed

    matches: list[dict[str, Any]] = []
    for match in found:
        if face.output is Output.JSONL:
            sys.stdout.buffer.write(line(match))
        elif face.output is Output.JSON:
            matches.append(parsed(match))
        else:
            face.show(_told(match))
    return matches


@contextmanager
def shared(face: Face, queue: str | None = None) -> Iterator[Share]:
    """How the reading is shared out: over this machine's cores, or over the workers at a queue."""
    from irkit.audit.read.scan import spread
    from irkit.cli.progress import reading

    if queue is None:
        yield reading(face, spread)
        return
    from irkit.triggers.queue.opening import opened
    from irkit.triggers.scan.asker import Asker
    from irkit.triggers.scan.parts import Parts

    store = opened(queue)
    try:
        yield reading(face, Asker(Parts(store.door)))
    finally:
        store.close()


def subject(face: Face, pod: str | None, uid: str | None, account: str | None) -> Target | None:
    """The pod that the flags name; None where they name none."""
    from irkit.model.pod import Target

    if "" in (pod, uid):  # a script's empty variable: anybody's events would be told as the pod's
        raise UsageError("--pod or --uid is empty", _WHICH)
    if not pod and not uid:
        if account:
            raise UsageError("--service-account tells more of a pod: of which?", _WHICH)
        if face.namespace:
            face.note("every namespace is meant: -n is the pod's alone; --where 'namespace = NS' names one", "warn")
        return None
    named = _pod(face, pod) if pod else None
    namespace = named.namespace if named else face.namespace or ""
    return Target(namespace, named.name if named else "", uid or "", service_account=account or "")


def _pod(face: Face, name: str) -> PodRef:
    """Offline, too: without a kubeconfig nobody but the user can tell the namespace."""
    try:
        return face.pod(name)
    except UsageError as error:
        hint = error.hint if face.namespace else f"-n NS says where the pod was; else {error.hint}"
        raise UsageError(error.message, hint) from error


def doubt(face: Face, where: str) -> None:
    """Say what of a filter looks like a slip."""
    from irkit.audit.filter.fields import doubts

    for line in doubts(where) if where.strip() else ():
        face.note(line, "warn")


def _address(text: str) -> str:
    """As the API server writes it."""
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError as error:
        raise UsageError(f"not an address: {text!r}", "--ip 10.244.0.7, --ip fd00::7") from error


def instant(text: str | None) -> datetime | None:
    """The instant that a flag names; None where it was not given. Raises UsageError."""
    from irkit import times

    if text is None:
        return None
    try:
        return times.parse_or_age(text, times.now())
    except ValueError as error:
        raise UsageError(f"not a time: {text!r}", "2026-11-23T03:00:00Z, or an age: 90m, 36h, 7d") from error


def _told(match: Match) -> str:
    event = match.event
    ref = event.get("objectRef") or {}
    thing = "/".join(str(ref[key]) for key in ("resource", "namespace", "name", "subresource") if ref.get(key))
    user = (event.get("user") or {}).get("username", "?")
    status = (event.get("responseStatus") or {}).get("code", "")
    at = event.get("requestReceivedTimestamp") or event.get("stageTimestamp") or "?"
    return f"{at}  tier {int(match.tier)}  {user}  {event.get('verb', '?')} {thing} {status}  ({match.reason})"
