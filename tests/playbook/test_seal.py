"""How a run's bundle is signed, stamped and sealed to recipients, and what no failure of these may cost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from irkit.bundle import veil
from irkit.bundle.attest import keys, stamp
from irkit.bundle.reader import cat, names
from irkit.bundle.verify import verify
from irkit.cli.commands import load
from irkit.errors import UsageError
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, runs
from irkit.settings import SealSettings
from tests.bundle import authority
from tests.playbook.practice import Practice


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tsa") / "a"
    authority.made(folder)
    return folder


def run(practice: Practice, sealing: SealSettings) -> tuple[RunRecord, Path]:
    record = practice.run("collect-only", settings=replace(practice.settings(), sealing=sealing))
    bundle = runs.show(practice.home, "last").bundle
    assert bundle
    return record, bundle.path


def test_a_run_is_signed_stamped_and_shipped_with_both(practice: Practice, tsa: Path, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        keys.generate(tmp_path / name)
    with authority.serving(tsa) as url:
        record, bundle = run(practice, SealSettings((str(tmp_path / "ann"), str(tmp_path / "bob")), url))
    assert next(step for step in record.steps if step.id == "seal").status is Status.DONE
    stored = practice.store / bundle.name
    public = [keys.public_key(tmp_path / f"{name}.pub") for name in ("ann", "bob")]
    for path in (bundle, stored):
        found = verify(path, keys=public, roots=tsa / "root.pem")
        assert found.ok, found.problems
        assert found.signature.startswith("valid")


def test_no_authority_and_no_key_cost_the_bundle(practice: Practice, tmp_path: Path) -> None:
    key = tmp_path / "ann"
    keys.generate(key)
    practice.progress.at("started seal", key.unlink)
    record, bundle = run(practice, SealSettings((str(key),), "http://127.0.0.1:9/"))
    assert verify(bundle).ok
    assert next(step for step in record.steps if step.id == "seal").status is Status.GAPS
    gaps = {gap.collector: gap for gap in record.gaps if gap.collector in ("sign", "stamp")}
    assert gaps["sign"].remedy == f"irkit bundle sign {bundle} --sign-key {key}"
    assert gaps["stamp"].remedy == f"irkit bundle stamp {bundle} --tsa http://127.0.0.1:9/"
    assert gaps["sign"].detail in b"".join(cat(bundle, "data/collection.json")).decode()
    assert next(step for step in record.steps if step.id == "ship").status is Status.DONE


def test_an_authority_that_says_something_else_is_a_gap(practice: Practice, tsa: Path) -> None:
    with authority.serving(tsa, b"\x00 hello") as url:
        record, bundle = run(practice, SealSettings(tsa_url=url))
    assert verify(bundle).ok
    assert not stamp.beside(bundle).exists()
    assert "no time stamp" in next(gap.detail for gap in record.gaps if gap.collector == "stamp")


def test_what_cannot_be_used_is_refused_before_the_run(practice: Practice, tmp_path: Path) -> None:
    for sealing in (
        SealSettings((str(tmp_path / "absent"),)),
        SealSettings(tsa_url="ftp://tsa"),
        SealSettings(recipients=("nobody",)),
    ):
        with pytest.raises(UsageError):
            practice.run("collect-only", settings=replace(practice.settings(), sealing=sealing))
    assert runs.ids(practice.home) == []


def test_with_recipients_only_they_can_read_what_was_taken(practice: Practice, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    _, bundle = run(practice, SealSettings(recipients=(str(identity.to_public()),)))
    found = verify(bundle)
    assert found.ok, found.problems
    clear = [name for name in names(bundle) if name.startswith("data/") and not name.endswith(".age")]
    assert clear == ["data/case.json", "data/collection.json"]
    folder = runs.locate(practice.home, "last")
    assert not list(folder.glob("*.confided"))
    member = "data/sealed/pod/pod.json.age"
    veil.unveil(bundle, member, tmp_path / "key", tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == (folder / "data/pod/pod.json").read_bytes()
    told = json.loads(b"".join(cat(bundle, "data/collection.json")))
    assert {one["member"] for one in told["sealed"]} == {
        name.removeprefix("data/") for name in names(bundle) if name.endswith(".age")
    }


def test_a_resumed_run_keeps_its_keys_and_seals_the_same(practice: Practice, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    keys.generate(tmp_path / "ann")
    sealing = SealSettings((str(tmp_path / "ann"),), recipients=(str(identity.to_public()),))

    def stop() -> None:
        raise KeyboardInterrupt

    practice.progress.at("ended seal", stop)
    with pytest.raises(Exception, match="interrupted"):
        practice.run("collect-only", settings=replace(practice.settings(), sealing=sealing))
    [bundle] = (practice.home / "runs/r-1").glob("*.tar.gz")
    before = bundle.read_bytes()
    journal = practice.home / "runs/r-1/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"step.ended"' in line and b'"seal"' in line)
    journal.write_bytes(b"".join(lines[:at]))  # killed between sealing and telling
    record = engine.resume("r-1", practice.setup())
    assert record.status is not Status.FAILED
    assert bundle.read_bytes() == before
    assert verify(bundle, keys=[keys.public_key(tmp_path / "ann.pub")]).ok
    assert (practice.store / bundle.name).read_bytes() == before


def test_capture_takes_all_this_from_the_environment(practice: Practice, tsa: Path, tmp_path: Path) -> None:
    keys.generate(tmp_path / "ann")
    with authority.serving(tsa) as url:
        env = {
            "IRKIT_HOME": str(tmp_path / "home"),
            "KUBECONFIG": str(practice.range.kubeconfig),
            "IRKIT_SIGN_KEY": str(tmp_path / "ann"),
            "IRKIT_TSA_URL": url,
        }
        arguments = ["capture", f"payments/{practice.pod}", "--out", str(tmp_path / "out")]
        ended = CliRunner().invoke(load(), arguments, env=env)
    assert ended.exit_code in (0, 4), ended.output
    [bundle] = (tmp_path / "out").glob("*.tar.gz")
    found = verify(bundle, keys=[keys.public_key(tmp_path / "ann.pub")], roots=tsa / "root.pem")
    assert found.ok, found.problems
