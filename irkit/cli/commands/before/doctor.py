"""`irkit doctor` and `irkit rbac`: is it ready, and what must it be allowed to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irkit.cli import completing, options
from irkit.cli.app import app
from irkit.cli.command import command
from irkit.cli.face import Face
from irkit.errors import Exit, IrkitError
from irkit.settings import StoreSettings

if TYPE_CHECKING:
    from irkit.cluster.needs.doctor import Check

_WORD = {True: ("ok", "good"), None: ("note", "warn"), False: ("BAD", "bad")}
Books = Annotated[
    list[str] | None,
    typer.Option(
        "--playbook",
        metavar="NAME|FILE",
        help="For this playbook (default compromised-pod).",
        autocompletion=completing.playbooks,
    ),
]


@command(app, "doctor")
def doctor(face: Face, store: options.StoreFlags, playbook: Books = None) -> Exit:
    """Check all that a response needs before it is needed: API, rights, policy engine, clock, store. Exit 3 or 1."""
    from irkit.cluster.needs.doctor import diagnose

    namespace = face.resolved_namespace()
    checks = list(diagnose(face.door(), _needs(playbook), namespace))
    checks.append(_store(store))
    face.emit({"ok": all(check.ok is not False for check in checks), "checks": checks}, lines=checks)
    for check in _told(checks):
        word, style = _WORD[check.ok]
        face.show(f"{word:<5} {check.name}: {check.detail}", style)
        if check.hint and check.ok is not True:
            face.show(f"      try: {check.hint}", "dim")
    bad = [check for check in checks if check.ok is False]
    return (
        Exit.COMPLETE if not bad else Exit.REFUSED if all("permission" in check.name for check in bad) else Exit.FAILED
    )


@command(app, "rbac", online=False)
def rbac(
    face: Face,
    playbook: Books = None,
    name: Annotated[str, typer.Option("--name", help="Name of the ClusterRole.")] = "irkit",
    required_only: Annotated[
        bool, typer.Option("--required-only", help="Without what only enriches evidence.")
    ] = False,
    rails: Annotated[bool, typer.Option("--rails", help="And what the rails look at before they decide.")] = False,
) -> None:
    """Print the least ClusterRole for a playbook's steps, generated from what they declare; pipe it to kubectl."""
    from irkit.cluster.needs.rbac import cluster_role
    from irkit.playbook.rails.look import NEEDS

    wanted = [*_needs(playbook), *(NEEDS if rails else ())]
    needs = [need for need in wanted if not (required_only and need.optional)]
    role = cluster_role(needs, name)
    face.emit(role)
    face.block(_manifest(role))


def _needs(playbooks: list[str] | None) -> list[Any]:
    from irkit.playbook import find
    from irkit.playbook.registry import needs

    return sorted({need for name in playbooks or ["compromised-pod"] for need in needs(find.load(name).playbook)})


def _told(checks: list[Check]) -> Iterator[Check]:
    """For a person: the permissions that are held, some ninety, as one line in the place of the first."""
    asked = [check for check in checks if check.name == "permission"]
    held = [check for check in asked if check.ok]
    for check in checks:
        if check.name != "permission" or not check.ok:
            yield check
        elif check is held[0]:
            told = f"{len(held)} of the {len(asked)} that are asked for are held (-o json names each)"
            yield replace(check, detail=told)


def _store(settings: StoreSettings) -> Check:
    from irkit.cluster.needs.doctor import Check
    from irkit.playbook.door import destination

    try:
        destination(settings).check()
    except IrkitError as error:
        return Check("store", False, error.message, error.hint)
    return Check("store", True, f"{settings.url} can be written", "")


def _manifest(role: dict[str, Any]) -> str:
    import io

    from ruamel.yaml import YAML

    out = io.StringIO()
    YAML().dump(role, out)
    return out.getvalue().rstrip()
