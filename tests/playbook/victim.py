"""A process that drives runs to be killed: each in a fork, which dies of SIGKILL at the asked journal record.

Reads one JSON object a line: inputs, kubeconfig, store, home, run, playbook, and `mode` with `record` (from 1):
"before" the record is written (the deed is done, nobody knows), "torn" (half of its line is on disk), "after" it
(the intent is known, the deed not done). A run that asks people is answered and gone on with. Answers each with the
signal that ended the fork.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from irkit import chain
from irkit.chain import Chain, Record
from irkit.model.run import Operator, Status
from irkit.playbook import engine, find
from irkit.playbook.approvals import desk
from irkit.playbook.approvals.standing import Person
from irkit.settings import ClusterSettings, StoreSettings
from irkit.times import now


def arm(mode: str, number: int) -> None:
    """Let the `number`-th append of this process be its end."""
    write, append, left = Chain._write, Chain.append, number

    def _write(self: Chain, line: bytes, *, sync: bool) -> None:
        nonlocal left
        left -= 1
        if left == 0 and mode == "before":
            die()
        if left == 0 and mode == "torn":
            write(self, line[: len(line) // 2], sync=sync)
            die()
        write(self, line, sync=sync)

    def appended(self: Chain, fields: Mapping[str, Any], *, sync: bool = True) -> Record:
        record = append(self, fields, sync=sync)
        if left == 0:
            die()
        return record

    chain.Chain._write = _write  # type: ignore[method-assign]
    chain.Chain.append = appended  # type: ignore[method-assign]


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def drive(order: Mapping[str, Any]) -> None:
    arm(order["mode"], order["record"])
    setup = engine.Setup(Path(order["home"]), Operator("tester", "here"))
    record = engine.run(
        find.load(order["playbook"]),
        order["inputs"],
        setup,
        run_id=order["run"],
        settings=engine.Settings(ClusterSettings(order["kubeconfig"]), StoreSettings(order["store"])),
        case="C-1",
    )
    if record.status is Status.WAITING:
        desk.approve(setup.home, order["run"], Person("ana"), now())
        engine.resume(order["run"], setup)


def main() -> None:
    # What takes long to import is imported once, before the forks.
    import irkit.audit.collect
    import irkit.bundle.seal
    import irkit.cluster.client
    import irkit.collect.capture
    import irkit.contain.isolate
    import irkit.playbook.lint
    import irkit.report.render
    import irkit.ship.local  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                drive(json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
