"""bundle.ship@1: send it where nobody can lose it."""

from __future__ import annotations

from dataclasses import replace

from msgspec import Struct

from irkit import digest
from irkit.errors import IrkitError, UsageError
from irkit.model.codec import plain, pretty
from irkit.model.run import Effect, Outcome, Status
from irkit.playbook.steps.step import Base, Context
from irkit.settings import StoreSettings


class Where(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to."""

    store: str | None = None  # None: the store of the run's settings


class ShipBundle(Base):
    """Success is a receipt; a destination that holds the same bundle already gives it again."""

    name = "bundle.ship@1"
    about = "ship the bundle to the store"
    effect = Effect.COLLECT
    targeted = False
    Params = Where

    def check(self, params: Where, store: StoreSettings) -> None:
        """Whether the settings name a destination; whether it takes the bundle is seen when there is one."""
        from irkit.playbook.door import destination

        destination(self._store(params, store))

    def run(self, params: Where, context: Context) -> Outcome:
        """Ship the run's bundle; when that fails, the bundle stays where it is."""
        from irkit.bundle.attest.kit import companions
        from irkit.playbook.door import destination

        bundle = context.sealed
        if bundle is None:
            raise UsageError("there is no bundle to ship", "seal it first, with bundle.seal@1")
        try:
            store = destination(self._store(params, context.store))
            receipt = store.put(bundle, bundle.path.name)
            for beside in companions(bundle.path):
                store.put(beside, beside.path.name)
        except IrkitError as error:
            error.message += f"; the bundle is kept: {bundle.path}"
            error.hint += f"{', then: ' if error.hint else ''}irkit run resume {context.run}"
            raise
        digest.write([pretty(receipt)], context.folder / "receipt.json")
        return Outcome(Status.DONE, f"shipped to {receipt.url}", {"receipt": plain(receipt)})

    def _store(self, params: Where, store: StoreSettings) -> StoreSettings:
        return replace(store, url=params.store) if params.store else store
