"""secrets.sweep@1: which secrets the pod's identity puts at risk, so that they are rotated."""

from __future__ import annotations

from irkit.model import codec
from irkit.model.permission import Permission
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context, NoParams

PATH = "identity/secrets.json"


class SweepSecrets(Base):
    """No secret is read or listed: the pod, its account and the rules of its roles tell their names."""

    name = "secrets.sweep@1"
    about = "list the secrets within reach of the pod's identity"
    effect = Effect.COLLECT
    targeted = True
    Params = NoParams

    @property
    def needs(self) -> tuple[Permission, ...]:
        """Those of `irkit identity show`."""
        from irkit.contain.identity.show import NEEDS

        return NEEDS

    def run(self, params: NoParams, context: Context) -> Outcome:
        """List; a second time writes the same file anew."""
        from irkit.contain.identity.show import show

        found = show(context.pod, context.connect())
        about = "what the pod's account may do, and which secrets are to be rotated"
        context.write(PATH, "identity", [codec.pretty(found)], about)
        hint = f"more may be within reach: {'; '.join(found.gaps)}" if found.gaps else ""
        told = f"{len(found.secrets)} secrets to rotate" + (", and perhaps more" if found.gaps else "")
        return Outcome(Status.GAPS if found.gaps else Status.DONE, told, hint=hint)
