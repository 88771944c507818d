"""The page about the rules, made from the rules: `python -m irkit.audit.detect.page > docs/detections.md`."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator

from irkit.audit.detect.attack import NEXT, TECHNIQUES, VERSION, in_19
from irkit.audit.detect.kept.chains import LINKS
from irkit.audit.detect.kept.doubles import SMALL
from irkit.audit.detect.registry import EVERY, NEWCOMERS
from irkit.audit.detect.rule import Count, Gate, Rule

WIDTH = 120  # characters of a line
_HEAD = f"""# Detections

What `irkit audit detect` looks for. This page is made from the rules (`python -m irkit.audit.detect.page >
docs/detections.md`); a test fails where it is stale. Techniques are those of MITRE ATT&CK {VERSION} for Enterprise.

No rule takes the control plane's own identities (scheduler, controller manager, its controllers) for intruders, and
most take no kubelet for one; whoever stole such an identity passes where a rule says nothing else. Requests that were
refused count for `many-refusals`, `allowed-after-refusal`, `impersonation` and `token-on-the-move` only. A rule that
needs the **body** of requests is blind at audit level Metadata: `coverage.blind` of the answer counts for how many
requests. A JSON Patch that copies or moves a value tells it by its result alone, at level RequestResponse, as a patch
of a binding's subjects tells the role; below that they count as blind. Known good is told by `--allow`
([audit](audit.md)).

A rule with a **sequence** is found wherever its two deeds stand, in whichever of the logs. At most {LINKS:,} halves of
sequences are kept; beyond that the oldest are evicted, and `coverage.evicted` says how many.
"""
_GATES = {
    Gate.REFUSED: "any request answered with 403",
    Gate.ANONYMOUS: "any request of system:anonymous",
    Gate.IMPERSONATING: "any request made on somebody else's behalf",
    Gate.POD_BOUND: "any request made with a token bound to a pod",
}


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_index(), *(line for rule in EVERY for line in _section(rule))))


def _index() -> Iterator[str]:
    yield from ("| | rule | severity | technique | finds |", "|---|---|---|---|---|")
    for rule in EVERY:
        yield f"| {rule.number} | [{rule.id}](#{rule.id}) | {rule.severity} | {rule.techniques[0]} | {rule.title} |"
    yield ""


def _section(rule: Rule) -> Iterator[str]:
    yield from (f"### {rule.id}", "", f"{rule.title}.", "")
    yield from _item("severity", rule.severity)
    yield from _item("technique", "; ".join(_technique(name) for name in rule.techniques))
    yield from _item("asks about", _asks(rule))
    if rule.count and rule.count.least > 1:
        each = "; it names the first event for each" if rule.count.shown else ""
        yield from _item("counts", f"{rule.count.least} or more {rule.count.what}, {_within(rule.count)}{each}")
    if rule.chain:
        minutes = int(rule.chain.span.total_seconds() // 60)
        yield from _item("sequence", f"one deed, and within {minutes} minutes the other, joined by their subject")
    if rule.body:
        yield from _item("needs", "the request's body (audit level Request or RequestResponse)")
    if note := inspect.getdoc(rule.tells):
        yield from _item("note", " ".join(note.split()))
    yield from _item("false positives", rule.false_positives)
    yield ""


def _within(count: Count) -> str:
    """Time is cut into spans: a burst may straddle two."""
    if count.span is None:
        return "at any time"
    minutes = int(count.span.total_seconds() // 60)
    return f"within {minutes} minutes, or in two spans of {minutes} minutes that adjoin"


def _technique(name: str) -> str:
    one = TECHNIQUES[name]
    after = in_19(one)
    tactics = ", ".join(after.tactics)
    told = f"; in {NEXT}: {f'{after.id} {after.full}, ' if after.id != one.id else ''}{tactics}" if after != one else ""
    return f"[{one.id}]({one.url}) {one.full} ({', '.join(one.tactics)}{told})"


def _asks(rule: Rule) -> str:
    if rule.gate:
        return _GATES[rule.gate]
    if rule in NEWCOMERS:
        return "every request, where `--known` is given"
    if not rule.resources:
        return f"every record, in logs of up to {SMALL >> 20} MiB, or with `--ids`"
    verbs, resources = (", ".join(f"`{name}`" for name in names) for names in (sorted(rule.verbs), rule.resources))
    return f"{verbs} of {resources}"


def _item(name: str, text: str) -> Iterator[str]:
    yield textwrap.fill(f"- **{name}**: {text}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(page())
