"""bundle.seal@1: one archive, its manifest, its custody."""

from __future__ import annotations

from irkit.model.codec import plain
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context, NoParams


class SealBundle(Base):
    """The same attempt seals the same bytes, so after a crash it is simply sealed again."""

    name = "bundle.seal@1"
    about = "seal the evidence in a bundle"
    effect = Effect.COLLECT
    targeted = True
    Params = NoParams

    def run(self, params: NoParams, context: Context) -> Outcome:
        """Write case and collection, seal everything staged."""
        from irkit.bundle.layout import bundle_name, write_case, write_collection
        from irkit.bundle.seal import seal

        write_case(context.record, context.data)
        write_collection(context.record, context.data)
        name = bundle_name(context.case, context.target.name, context.started)
        if context.sealed and context.sealed.path.name.startswith(f"{name}."):  # sealed anew within one second
            name += "-again"
        bundle = seal(
            name,
            context.data,
            context.folder,
            info={"Irkit-Case": context.case, "Irkit-Run": context.run},
            custody=context.custody,
            at=context.started,
        )
        summary = f"{bundle.path.name}, {bundle.files} files, {bundle.size} bytes, sha256 {bundle.sha256}"
        return Outcome(Status.DONE, summary, {"bundle": plain(bundle)})
