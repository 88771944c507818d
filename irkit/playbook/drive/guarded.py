"""Whatever happens in a step is an outcome."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from typing import TypeVar

from irkit.errors import IrkitError, JournalError
from irkit.model.run import Outcome, Status
from irkit.playbook.steps.step import failed

_Ending = TypeVar("_Ending", Outcome, Outcome | None)


def guarded(act: Callable[[], _Ending]) -> _Ending | Outcome:
    """What `act` says, or how it failed: one failing step never costs the evidence of the others."""
    try:
        return act()
    except JournalError:
        raise
    except IrkitError as error:
        return failed(error)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        hint = "free some disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        return Outcome(Status.FAILED, f"{error.strerror or error}{where}", hint=hint)
    except Exception as error:  # a defect of ours: told in the record with its traceback, never lost
        details = {"traceback": traceback.format_exc()}
        hint = "this is a defect in irkit; please report it"
        return Outcome(Status.FAILED, f"{type(error).__name__}: {error}", details, hint=hint)
