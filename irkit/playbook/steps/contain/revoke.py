"""pod.revoke@1 and pod.restore@1: take the pod's identity away, and give it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from irkit.model.codec import plain
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.changes import actions, merged, would
from irkit.playbook.steps.step import Base, Context, NoParams

if TYPE_CHECKING:
    from irkit.contain.identity.nouns import Revocation


class Blast(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom it hits: the `pod` alone, or every pod of its `account`."""

    # A pattern, so that a playbook's input of type string fits it.
    blast: Annotated[str, Meta(pattern="^(pod|account)$")] = "pod"


class RevokeIdentity(Base):
    """Done when what was asked for is in place; `unverified` when grants of the account could not be looked for."""

    name = "pod.revoke@1"
    about = "take the pod's identity away"
    effect = Effect.MUTATE
    targeted = True
    Params = Blast

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of the policy; to take an account's grants, optional ones too."""
        from irkit.contain.identity.revoke import ACCOUNT_NEEDS, NEEDS

        return tuple(sorted({*NEEDS, *ACCOUNT_NEEDS}))

    def run(self, params: Blast, context: Context) -> Outcome:
        """Revoke; a second time finds the objects there and changes nothing."""
        found = self._revoke(params, context, before=context.intend, dry_run=context.dry_run)
        return _outcome(replace(found, changes=merged(context.intended, found.changes)), context)

    def observe(self, params: Blast, context: Context) -> Outcome | None:
        """Done, when a dry run finds nothing left to change."""
        found = self._revoke(params, context, before=lambda _: None, dry_run=True)
        return None if found.changes else _outcome(replace(found, changes=context.intended), context)

    def undo(self, params: Blast, context: Context) -> Outcome | None:
        """Restore."""
        return _restore(context)

    def _revoke(
        self, params: Blast, context: Context, *, before: Callable[[Change], None], dry_run: bool
    ) -> Revocation:
        from irkit.contain.identity import nouns
        from irkit.contain.identity.revoke import revoke

        return revoke(
            context.pod,
            context.connect(),
            case=context.case,
            run=context.run,
            blast=nouns.Blast(params.blast),
            before=before,
            dry_run=dry_run,
        )


class RestoreIdentity(Base):
    """Exactly what revoking changed is changed back, from what the objects themselves carry."""

    name = "pod.restore@1"
    about = "give the pod its identity back"
    effect = Effect.MUTATE
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of revoking, which is the same the other way."""
        return RevokeIdentity().needs

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Restore; what is restored already stays so."""
        return _restore(context)


def _restore(context: Context) -> Outcome:
    from irkit.contain.identity.restore import restore

    found = restore(context.pod, context.connect(), before=context.intend, dry_run=context.dry_run)
    changes = merged(context.intended, found.changes)
    summary = f"identity {would(context)}restored" if changes else "the identity was not revoked: nothing to restore"
    hint = f"more may be left to restore: {'; '.join(found.gaps)}" if found.gaps else ""
    status = Status.GAPS if found.gaps else Status.DONE
    details = {"changes": plain(changes), "warnings": [], "gaps": plain(found.gaps)}
    return Outcome(status, summary, details, actions(changes, context), hint)


def _outcome(found: Revocation, context: Context) -> Outcome:
    told = actions(found.changes, context, undoable=True)
    details = {"revocation": plain(found)}
    if found.blast == "account" and found.gaps:
        hint = f"the account may have more: {'; '.join(found.gaps)}"
        return Outcome(Status.UNVERIFIED, "identity revoked in part", details, told, hint)
    whose = {"pod": "writes of the pod", "account": "writes of the pod, grants of its account"}[found.blast]
    return Outcome(Status.DONE, f"identity {would(context)}revoked: {whose}", details, told)
