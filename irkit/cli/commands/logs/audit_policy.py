"""`irkit audit policy`: what the API server writes down, and what it leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from irkit.cli.command import command
from irkit.cli.commands.logs.audit import audits, shared
from irkit.cli.face import Face
from irkit.cli.newfile import write_new
from irkit.errors import Exit, UsageError

if TYPE_CHECKING:
    from irkit.audit.policy.coverage.heard import Heard
    from irkit.audit.policy.coverage.judge import Judgement
    from irkit.audit.policy.nouns import Decision

policies = typer.Typer(name="policy", help="Audit policies: what is written down.", no_args_is_help=True)
audits.add_typer(policies)
Policies = Annotated[list[str], typer.Argument(metavar="POLICY...", help="Files of --audit-policy-file.")]
PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="The API server's --audit-policy-file.")]
Logs = Annotated[list[str] | None, typer.Option("--log", metavar="SRC", help="Judge a log, as audit search reads it.")]
User = Annotated[str, typer.Option("--user", help="Who asks: alice, system:serviceaccount:shop:web.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group of the user's, beside its natural ones.")]
Verb = Annotated[str, typer.Option("--verb", help="get, list, watch, create, update, patch, delete, deletecollection.")]
Resource = Annotated[str, typer.Option("--resource", metavar="RES[/SUB]", help="pods, pods/exec, deployments/scale.")]
ApiGroup = Annotated[str | None, typer.Option("--api-group", metavar="GROUP", help="Where Kubernetes has several.")]
Space = Annotated[str, typer.Option("--namespace", "-n", help="The object's; none for one of the whole cluster.")]
Name = Annotated[str, typer.Option("--name", help="The object's, where the URL has it: not for create and list.")]
Plain = Annotated[str, typer.Option("--path", metavar="PATH", help="A path in place of a resource: /metrics.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here; never over another file.")]

_STYLES = {"sees": "good", "half-blind": "warn", "blind": "bad", "unseen": "dim"}


@command(policies, "recommend", online=False)
def recommend(face: Face, out: Out = None) -> None:
    """Print an audit policy for production, every rule with its reason."""
    from irkit.audit.policy.document import load
    from irkit.audit.policy.recommend import recommended

    if out is not None:
        write_new(out, recommended().encode())
        face.note(f"written to {out}", "good")
    face.emit(load(recommended()).data)
    if out is None:
        face.block(recommended().rstrip("\n"))


@command(policies, "lint", online=False)
def lint(face: Face, names: Policies) -> Exit:
    """Check audit policies; every problem with its line and column. Exit 2 when there are any."""
    from irkit.audit.policy.lint.check import lint as check
    from irkit.audit.policy.read import text_of

    return face.faults([(name, check(text_of(Path(name)))) for name in names], ", ".join(names))


@command(policies, "explain", online=False)
def explain(
    face: Face,
    policy: PolicyFile,
    user: User,
    verb: Verb,
    resource: Resource = "",
    group: Groups = None,
    api_group: ApiGroup = None,
    namespace: Space = "",
    name: Name = "",
    path: Plain = "",
) -> None:
    """Say what is written down of a request, and by which rule."""
    from irkit.audit.policy.decide import decide
    from irkit.audit.policy.read import parse, text_of
    from irkit.audit.policy.request import asked

    request = asked(
        verb,
        user,
        tuple(group or ()),
        resource=resource,
        api_group=api_group,
        namespace=namespace,
        name=name,
        path=path,
    )
    decision = decide(parse(text_of(policy), str(policy)), request)
    rule = decision.rule and {"number": decision.rule.number, "line": decision.rule.line}
    answer = {"level": decision.level, "stages": decision.stages, "rule": rule}
    face.emit({"request": request, **answer, "omit_managed_fields": decision.omit_managed_fields})
    face.show(_told(decision))


def _told(decision: Decision) -> str:
    if decision.rule is None:
        return "None: no rule matches, and what no rule matches is not written"
    stages = ", ".join(decision.stages) or "nothing is written"
    return f"{decision.level} by rule {decision.rule.number} (line {decision.rule.line}): {stages}"


@command(policies, "coverage", online=False)
def coverage(
    face: Face,
    policy: Annotated[Path | None, typer.Argument(metavar="[POLICY]", help="Judge this policy.")] = None,
    log: Logs = None,
) -> Exit:
    """Say which detections are blind under a policy, or in a log. Exit 4: a source is missing."""
    if bool(policy) is bool(log):
        raise UsageError("what is to be judged?", "either POLICY or --log SRC")
    if policy:
        _of_policy(face, policy)
        return Exit.COMPLETE
    return _of_log(face, log or [])


def _of_policy(face: Face, path: Path) -> None:
    from irkit.audit.policy.coverage.judge import judge
    from irkit.audit.policy.coverage.tell import tell
    from irkit.audit.policy.read import parse, text_of

    judged = judge(parse(text_of(path), str(path)))
    face.emit({"policy": str(path), "rules": judged, "summary": _summary(judged)}, lines=judged)
    _show(face, [(one, tell(one)) for one in judged])


def _of_log(face: Face, sources: list[str]) -> Exit:
    from irkit.audit.policy.coverage.census import count
    from irkit.audit.policy.coverage.heard import hear
    from irkit.audit.policy.coverage.tell import tell_log

    with shared(face) as share:
        counted = count(sources, share=share)
    heard = hear(counted)
    read = {"events": counted.events, "malformed": counted.malformed, "levels": counted.levels, "gaps": counted.gaps}
    face.emit({"sources": sources, **read, "rules": heard, "summary": _summary(heard)}, lines=heard)
    _show(face, [(one, tell_log(one)) for one in heard])
    if any(one.sight == "unseen" for one in heard):
        face.note("unseen: no such request is in this log; none was made, or the policy drops them", "dim")
    levels = ", ".join(f"{number} at {level}" for level, number in sorted(counted.levels.items()))
    face.note(f"{counted.events} events ({levels}); {counted.malformed} malformed lines", "dim")
    return face.missing(counted.gaps)


def _summary(judged: list[Judgement] | list[Heard]) -> dict[str, int]:
    sights = [str(one.sight) for one in judged]
    return {sight: sights.count(sight) for sight in _STYLES}


def _show(face: Face, told: list[tuple[Judgement, list[str]]] | list[tuple[Heard, list[str]]]) -> None:
    for one, reasons in told:
        face.show(f"{one.number:>2}  {one.rule:<24} {one.severity:<9} {one.sight}", _STYLES[one.sight])
        for reason in reasons:
            face.show(f"      {reason}", "dim")
