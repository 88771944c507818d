"""A worker in a process of its own, to be killed: `tests.triggers.hand QUEUE HOME KUBECONFIG RAILS MODE RECORD`.

It dies of SIGKILL at the journal record that MODE and RECORD name, as tests.playbook.victim tells; at none when 0.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from irkit.playbook.engine import Settings
from irkit.playbook.rails.lint import parse
from irkit.settings import ClusterSettings, StoreSettings
from irkit.triggers.orders.act import Actor
from irkit.triggers.orders.crew import Crew, until_told
from irkit.triggers.queue.opening import opened
from tests.playbook.victim import arm

LEASE = timedelta(seconds=1)  # short: who is killed is soon replaced


def main(queue: str, home: str, kubeconfig: str, rails: str, mode: str, record: str) -> None:
    """Work until told to stop, or killed."""
    if int(record):
        arm(mode, int(record))
    settings = Settings(ClusterSettings(kubeconfig, timeout=10), StoreSettings(f"file://{home}/store"))
    actor = Actor(Path(home), parse(Path(rails).read_text()), settings)
    store = opened(queue)
    with Crew(actor, lease=LEASE).working(store.queue):
        until_told()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
