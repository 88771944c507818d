"""Whatever fails around a response: one clear line, the right exit code, no traceback, nothing lost, and a way on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from irkit.drill.range.scenario.story import PAYMENTS
from irkit.drill.range.server import Range
from tests.ship import servers
from tests.ship.servers import Server


@dataclass
class Responder:
    """Somebody at a shell, with a folder for their runs."""

    cwd: Path
    kubeconfig: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.cwd / "irkit"

    def irkit(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        own = {"HOME": str(self.cwd), "IRKIT_HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "IRKIT_"))}
        done = subprocess.run(
            [sys.executable, "-m", "irkit", *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            env=plain
            | own
            | {"PYTHONPATH": str(Path(__file__).parents[2]), "AWS_EC2_METADATA_DISABLED": "true"}
            | self.environ,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def respond(self, *more: str, code: int) -> str:
        """What a response says of its failure: one line and a remedy."""
        done = self.irkit("respond", PAYMENTS.victim, "-n", PAYMENTS.namespace, *more, code=code)
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("irkit: ")]
        assert "\n  try: " in done.stderr
        return line


@pytest.fixture
def responder(practice: Range, tmp_path: Path) -> Iterator[Responder]:
    found = Responder(tmp_path, practice.kubeconfig)
    yield found
    found.irkit("release", PAYMENTS.victim, "-n", PAYMENTS.namespace)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unreachable(gateway: Server) -> tuple[str, dict[str, str]]:
    return f"http://127.0.0.1:{closed_port()}", {
        "AWS_ACCESS_KEY_ID": servers.KEY,
        "AWS_SECRET_ACCESS_KEY": servers.SECRET,
    }


def missing_bucket(gateway: Server) -> tuple[str, dict[str, str]]:
    return gateway.url, {"AWS_ACCESS_KEY_ID": servers.KEY, "AWS_SECRET_ACCESS_KEY": servers.SECRET}


def wrong_credentials(gateway: Server) -> tuple[str, dict[str, str]]:
    return gateway.url, {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "wrong-secret"}


@pytest.mark.parametrize("failing", [unreachable, missing_bucket, wrong_credentials])
def test_a_store_that_fails_costs_nothing_but_the_shipping(
    responder: Responder, gateway: Server, failing: Callable[[Server], tuple[str, dict[str, str]]]
) -> None:
    endpoint, responder.environ = failing(gateway)
    line = responder.respond("--store", "s3://no-such-bucket/irkit", "--s3-endpoint-url", endpoint, code=1)
    assert "wrong-secret" not in line
    assert "s3://no-such-bucket" in line or endpoint in line
    record = json.loads(responder.irkit("run", "show", "last", "-o", "json").stdout)
    assert {step["id"]: step["status"] for step in record["steps"]}["seal"] == "done"
    (bundle,) = (responder.home / "runs" / record["id"]).glob("*.tar.gz")
    assert "intact" in responder.irkit("bundle", "verify", str(bundle)).stdout

    responder.environ = {}
    told = responder.irkit("run", "resume", "last", "--store", "file://./store")
    assert "read back" in told.stdout
    assert (responder.cwd / "store" / bundle.name).read_bytes() == bundle.read_bytes()


def test_an_api_server_that_is_down_is_one_line(practice: Range, tmp_path: Path) -> None:
    config = tmp_path / "down.conf"
    config.write_text(practice.kubeconfig.read_text().replace(practice.url, f"https://127.0.0.1:{closed_port()}"))
    line = Responder(tmp_path, config).respond(code=1)
    assert "cannot reach" in line or "refused" in line


@pytest.fixture
def small_disk(responder: Responder) -> Iterator[Callable[[str], None]]:
    """Sizes the disk that holds the runs."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("LEFT OUT: a disk of a chosen size takes root on Linux")
    responder.home.mkdir()

    def sized(size: str) -> None:
        again = "remount," if responder.home.is_mount() else ""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "none", responder.home], check=True)

    yield sized
    subprocess.run(["umount", responder.home], check=True)


@pytest.mark.parametrize("size", ["100k", "200k", "240k"])
def test_a_disk_that_fills_up_is_said_and_the_run_goes_on_once_there_is_room(
    responder: Responder, practice: Range, small_disk: Callable[[str], None], size: str
) -> None:
    small_disk(size)
    line = responder.respond("--store", "file://./store", "--audit", str(practice.audit_log), code=1)
    assert "No space left on device" in line
    small_disk("200m")  # more than the reserve of 128 MiB
    told = responder.irkit("run", "resume", "last", code=4)  # 4: the log does not go back to the pod's first hours
    assert "read back" in told.stdout
    (bundle,) = (responder.cwd / "store").iterdir()
    assert "intact" in responder.irkit("bundle", "verify", str(bundle)).stdout
    listed = responder.irkit("bundle", "ls", str(bundle)).stdout
    assert "data/pod/pod.json" in listed
    assert "data/audit/events.jsonl" in listed
