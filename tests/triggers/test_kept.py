"""One connection for many runs; another cluster is another, and an old one is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.drill.range.server import start
from irkit.settings import ClusterSettings
from irkit.triggers.orders import kept
from irkit.triggers.orders.kept import Kept


def test_a_connection_is_kept_for_its_settings_until_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(home=tmp_path) as range_:
        ours = ClusterSettings(str(range_.kubeconfig))
        connect = Kept()
        first = connect(ours)
        assert connect(ours) is first
        assert connect(ClusterSettings(str(range_.kubeconfig), timeout=1)) is not first
        monkeypatch.setattr(kept, "AGE", -1.0)
        assert connect(ours) is not first
        assert connect(ours).get("/version").json()["major"] == "1"
