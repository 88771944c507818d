"""node.pods@1 and node.cordon@1: the pod's node, who else runs there, and keeping others away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.cluster.resources import NODES, PODS
from irkit.errors import UsageError
from irkit.model.codec import compact, plain
from irkit.model.isolation import Change
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.changes import actions, merged
from irkit.playbook.steps.step import Base, Context, NoParams

if TYPE_CHECKING:
    from irkit.contain.hand import Hand

PATH = "node/pods.jsonl"


class ListNodePods(Base):
    """Every pod of the node, whole, as the API server tells it."""

    name = "node.pods@1"
    about = "list the pods of the pod's node"
    effect = Effect.COLLECT
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Pods of all namespaces."""
        return (Permission("", "pods", "list", "cluster"),)

    def run(self, params: NoParams, context: Context) -> Outcome:
        """List; a second time writes the same file anew."""
        query = {"fieldSelector": f"spec.nodeName={_node(context)}"}
        pods = [item for page in context.connect().pages(PODS.path(), query) for item in page.json().get("items", [])]
        context.write(PATH, "node", (compact(pod) + b"\n" for pod in pods), f"the pods of node {_node(context)}")
        return Outcome(Status.DONE, f"{len(pods)} pods on {_node(context)}")


class CordonNode(Base):
    """No new pod is scheduled there; nothing that runs there is stopped or evicted."""

    name = "node.cordon@1"
    about = "keep new pods off the pod's node"
    effect = Effect.MUTATE
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Get and patch nodes."""
        return tuple(NODES.permission(verb) for verb in ("get", "patch"))

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Cordon for this run, whoever else needs it so; a second time changes nothing."""
        from irkit.contain.preserve import node

        hand = _hand(context)
        told = node.cordon(hand, _node(context), context.run)
        changes = merged(context.intended, hand.changes)
        if not changes:
            return Outcome(Status.DONE, f"{told} already: nothing to change")
        return _told(told, changes, context, undoable=True)

    def undo(self, params: NoParams, context: Context) -> Outcome | None:
        """This run needs it no more; the node takes new pods again once nobody does."""
        from irkit.contain.preserve import node

        hand = _hand(context)
        node.give_up(hand, _node(context), {context.run})
        return _told(f"node {_node(context)}: given up by this run", hand.changes, context, undoable=False)


def _hand(context: Context) -> Hand:
    from irkit.contain.hand import Hand

    return Hand(context.connect(), context.intend, context.dry_run)


def _node(context: Context) -> str:
    if not context.target.node:
        raise UsageError(f"pod {context.target.name} is on no node yet", "wait until it is scheduled")
    return context.target.node


def _told(summary: str, changes: tuple[Change, ...], context: Context, *, undoable: bool) -> Outcome:
    summary = f"dry run: {summary}" if context.dry_run else summary
    return Outcome(Status.DONE, summary, {"changes": plain(changes)}, actions(changes, context, undoable=undoable))
