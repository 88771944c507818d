"""S3 servers on free loopback ports with folders of their own: rclone, versitygw, MinIO, moto.

rclone and moto come from PyPI; moto is a simulation, and shows what a store may leave out. versitygw and MinIO are Go
modules: built once into `~/.cache/irkit-tools/bin` where Go is there (one minute, two minutes); where it is not, their
tests are skipped and say so.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY, SECRET = "irkit-test-key", "irkit-test-secret-not-to-be-shown"
TOOLS = Path("~/.cache/irkit-tools/bin").expanduser()
MODULES = {
    "versitygw": "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
    "minio": "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
    "age": "filippo.io/age/cmd/age@v1.2.1",
}
KMS_KEY = "irkit-key"


@dataclass(frozen=True)
class Server:
    """A running server: its name, its URL, and a client for what the tests do behind irkit's back."""

    name: str
    url: str
    client: S3Client
    folder: Path

    def arrived(self, bucket: str) -> int:
        """Parts of the one upload begun in `bucket` that the server has."""
        try:
            begun = self.client.list_multipart_uploads(Bucket=bucket, Prefix="").get("Uploads", [])
        except self.client.exceptions.NoSuchUpload:  # how rclone says that there are none
            return 0
        if not begun:
            return 0
        listed = self.client.list_parts(Bucket=bucket, Key=begun[0]["Key"], UploadId=begun[0]["UploadId"])
        return len(listed.get("Parts", []))

    def fresh(self, *, lock: bool = False) -> str:
        """A bucket that nobody else uses."""
        return self.bucket(f"irkit-{uuid.uuid4().hex[:12]}", lock=lock)

    def bucket(self, name: str, *, lock: bool = False) -> str:
        """A new bucket of that name."""
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        return name


def environment(monkeypatch: pytest.MonkeyPatch, key: str = KEY, secret: str = SECRET) -> None:
    """The shell of somebody who may use the servers, and nothing else of this machine's AWS set-up."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def client(url: str, key: str = KEY, secret: str = SECRET) -> S3Client:
    import boto3

    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
    )


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str) -> str:
    """The path of a server's program, built if need be; skips the test where that cannot be."""
    if name in ("rclone", "moto_server"):
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.exists() else shutil.which(name)
    else:
        found = str(TOOLS / name) if (TOOLS / name).exists() else _built(name)
    if not found:
        pytest.skip(f"LEFT OUT: no {name}, and no Go to build it with")
    return found


def _built(name: str) -> str | None:
    go = shutil.which("go")
    if not go:
        return None
    environ = os.environ | {"GOBIN": str(TOOLS), "CGO_ENABLED": "0"}
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / ".building").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of several workers one builds, the others wait for it
        if not (TOOLS / name).exists():
            subprocess.run([go, "install", MODULES[name]], env=environ, check=True, cwd="/", timeout=1800)
    return str(TOOLS / name)


def _command(name: str, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    at, store = f"127.0.0.1:{port}", folder / "store"
    store.mkdir(parents=True)
    if name == "rclone":
        return [
            binary(name),
            "serve",
            "s3",
            "--addr",
            at,
            "--auth-key",
            f"{KEY},{SECRET}",
            "--config",
            "/dev/null",
            str(store),
        ], {}
    if name == "moto":
        return [binary("moto_server"), "-H", "127.0.0.1", "-p", str(port)], {"PYTHONWARNINGS": "ignore"}
    if name == "versitygw":
        versions = folder / "versions"
        versions.mkdir()
        command = [binary(name), "--quiet", "--port", at, "posix", "--versioning-dir", str(versions), str(store)]
        return command, {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    master = f"{KMS_KEY}:{'a' * 43}="
    environ = {
        "MINIO_ROOT_USER": KEY,
        "MINIO_ROOT_PASSWORD": SECRET,
        "MINIO_KMS_SECRET_KEY": master,
        "MINIO_BROWSER": "off",
    }
    return [binary(name), "server", "--quiet", "--address", at, str(store)], environ


@contextmanager
def running(name: str, folder: Path) -> Iterator[Server]:
    """The server `name`, answering; ended when the block ends."""
    port = _port()
    command, environ = _command(name, folder, port)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environ, stdout=log, stderr=log)
        try:
            _wait(process, port, folder)
            url = f"http://127.0.0.1:{port}"
            yield Server(name, url, client(url), folder)
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"server did not start: {(folder / 'server.log').read_text()[-2000:]}")
