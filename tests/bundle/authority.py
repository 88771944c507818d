"""A real time-stamping authority on loopback: `openssl ts` behind a tiny HTTP server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.served import served

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str | Path, given: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, input=given).stdout


def made(folder: Path) -> Path:
    """The authority's keys and certificates in `folder`; returns its root in PEM."""
    folder.mkdir(parents=True)
    (folder / "serial").write_text("01\n")
    (folder / "conf").write_text(CONFIG.format(folder=folder))
    (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\nbasicConstraints=CA:FALSE\n")
    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(
        *new, "-x509", "-days", "2", "-subj", "/CN=Root", "-keyout", folder / "root.key", "-out", folder / "root.pem"
    )
    openssl(*new, "-subj", "/CN=Authority", "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr")
    ca = ("-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial", "-extfile", folder / "ext")
    openssl("x509", "-req", "-days", "2", "-in", folder / "tsa.csr", *ca, "-out", folder / "tsa.pem")
    return folder / "root.pem"


def reply(folder: Path, question: bytes) -> bytes:
    (folder / "q.tsq").write_bytes(question)
    keys = ("-inkey", folder / "tsa.key", "-signer", folder / "tsa.pem")
    openssl("ts", "-reply", "-config", folder / "conf", "-queryfile", folder / "q.tsq", *keys, "-out", folder / "r.tsr")
    return (folder / "r.tsr").read_bytes()


@contextmanager
def serving(folder: Path, fixed: bytes | None = None) -> Iterator[str]:
    """The URL of the authority; with `fixed`, it says the same to everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            answer = reply(folder, question) if fixed is None else fixed
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    with served(Handler) as url:
        yield f"{url}/tsa"
