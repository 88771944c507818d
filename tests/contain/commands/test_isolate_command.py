"""`irkit isolate` and `irkit release` where labels are at stake, as somebody at a shell uses them."""

from __future__ import annotations

import json

from irkit.contain import marks
from tests.contain.commands.shell import PLACE, Shell


def test_labels_change_and_come_back(shell: Shell) -> None:
    told = shell("isolate")
    assert "Service web loses an endpoint" in told.stderr, "said before it is done"
    assert "note       Service web loses an endpoint" in told.stdout
    assert shell.labels().keys() == {marks.QUARANTINE}
    shell("release")
    assert shell.labels() == {"app": "web"}


def test_labels_are_kept_where_that_is_asked_for(shell: Shell) -> None:
    told = json.loads(shell("isolate", "--keep-labels", "-o", "json").stdout)
    assert told["warnings"][-1] == "Service web keeps the pod: its clients get no answer from it"
    assert shell.labels().keys() == {"app", marks.QUARANTINE}


def test_labels_that_others_changed_are_left_to_a_person(shell: Shell) -> None:
    shell("isolate")
    shell.cluster.patch(PLACE, [{"op": "add", "path": "/metadata/labels/app", "value": "db"}])
    refused = shell("release", code=3)
    assert "are not as irkit left them: app is db, not absent" in refused.stderr
    assert "--yes" in refused.stderr
    assert marks.QUARANTINE in shell.labels()
    shell("release", "--yes")
    assert shell.labels() == {"app": "db"}
