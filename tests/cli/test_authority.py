"""On whose authority: whatever changes the cluster has it in its journal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from irkit.drill.range.scenario.story import PAYMENTS
from tests.cli.conftest import Shell

POD = (PAYMENTS.victim, "-n", PAYMENTS.namespace)
WHO = "CASE-12, J. Doe"


def last(shell: Shell) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(shell("run", "show", "last", "-o", "json").stdout)
    return told


@pytest.mark.parametrize("deeds", [("isolate", "release"), ("identity revoke", "identity restore")])
def test_what_changes_the_cluster_says_on_whose_authority(shell: Shell, deeds: tuple[str, ...]) -> None:
    for deed in deeds:
        shell(*deed.split(), *POD, "--authority", "two\nlines", code=2)
        shell(*deed.split(), *POD, "--authority", f" {WHO} ")
        assert (last(shell)["authority"], last(shell)["status"]) == (WHO, "done")


def test_a_quarantine_with_a_time_ends_on_the_authority_that_it_began_on(shell: Shell) -> None:
    shell("isolate", *POD, "--ttl", "1s", "--authority", WHO)
    assert (last(shell)["playbook"], last(shell)["authority"]) == ("release", WHO)
