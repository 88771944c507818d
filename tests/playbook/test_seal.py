"""How a run's bundle is signed, stamped and sealed to recipients, and what no failure of these may cost."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from irkit.bundle.attest import keys, stamp
from irkit.bundle.reader import cat, names
from irkit.bundle.recipients import audiences, veil
from irkit.bundle.verify import verify
from irkit.cli.commands import load
from irkit.errors import BundleError, UsageError
from irkit.model.run import RunRecord, Status
from irkit.playbook import engine, runs
from irkit.settings import SealSettings
from tests.bundle import authority, bags
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


PLANTED = "hunter2-correct-horse-battery"


def leak(practice: Practice) -> None:
    """What a collector might have brought home: one secret, named by a document, in a log, in a binary."""
    data = runs.locate(practice.home, "last") / "data"
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "c", "env": [{"name": "DB_PASSWORD", "value": PLANTED}]}]}}
    (data / "extra").mkdir()
    (data / "extra/pod.json").write_text(json.dumps(pod))
    (data / "extra/app.log").write_text(f"connecting with {PLANTED}\n" * 3 + "done\n")
    (data / "extra/core.gz").write_bytes(gzip.compress(PLANTED.encode()))
    (data / "extra/plain.txt").write_text("nothing to hide\n")


def test_the_bundle_is_for_two_audiences(practice: Practice, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    practice.progress.at("started seal", lambda: leak(practice))
    _, bundle = run(practice, SealSettings(recipients=(str(identity.to_public()),)))
    found = verify(bundle)
    assert found.ok, found.problems
    inside = set(names(bundle))
    assert not any(PLANTED.encode() in content for _, content in bags.opened(bundle))
    log = b"".join(cat(bundle, "data/extra/app.log"))
    token = log.split()[2]
    assert token.startswith(b"[REDACTED:")
    assert log == b"connecting with %s\n" % token * 3 + b"done\n"
    assert token in b"".join(cat(bundle, "data/extra/pod.json"))
    assert b"".join(cat(bundle, "data/extra/plain.txt")) == b"nothing to hide\n"
    assert "data/sealed/extra/plain.txt.age" not in inside
    assert b"Withheld" in b"".join(cat(bundle, "data/extra/core.gz"))
    originals = runs.locate(practice.home, "last") / "data"
    for name in ("extra/app.log", "extra/pod.json", "extra/core.gz"):
        veil.unveil(bundle, f"data/sealed/{name}.age", tmp_path / "key", tmp_path / "opened" / name)
        assert (tmp_path / "opened" / name).read_bytes() == (originals / name).read_bytes()
    veil.unveil(bundle, "data/sealed/redactions.jsonl.age", tmp_path / "key", tmp_path / "map")
    key, *hidden = (tmp_path / "map").read_text().splitlines()
    assert len(bytes.fromhex(json.loads(key)["key"])) == 32
    assert {json.loads(line)["path"] for line in hidden} >= {"extra/app.log", "extra/pod.json", "extra/core.gz"}
    assert PLANTED not in "".join(hidden)


def test_a_redacted_copy_changed_is_found_and_so_is_a_sealed_one(practice: Practice, tmp_path: Path) -> None:
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    practice.progress.at("started seal", lambda: leak(practice))
    _, bundle = run(practice, SealSettings(recipients=(recipient,)))
    members = bags.opened(bundle)
    for name in ("data/extra/app.log", "data/sealed/extra/app.log.age"):
        at = next(n for n, (info, _) in enumerate(members) if info.name.endswith(name))
        for other in ([*members[:at], *members[at + 1 :]], [*members[:at], (members[at][0], b"x"), *members[at + 1 :]]):
            told = verify(bags.packed(tmp_path / "changed.tar.gz", other)).problems
            assert any(one.path == name and "collected" in one.problem for one in told), name


def test_one_case_has_one_key(tmp_path: Path) -> None:
    path = tmp_path / "cases" / "c.key"
    assert audiences.key(path) == audiences.key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="redaction key"):
        audiences.key(tmp_path / "file" / "c.key")


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
