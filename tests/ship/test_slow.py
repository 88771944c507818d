"""A store that takes its time to make one object of the parts: waited for, never asked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from irkit.ship import multipart
from tests.bundle import bags
from tests.ship.servers import Server

ORDINARY = 2  # seconds that any other answer may take
SLOW = 3.0


@dataclass
class Front:
    """What stands before the store: it passes everything on, and keeps back the answer to a completion."""

    url: str = ""
    completions: list[int] = field(default_factory=list)  # the status of each, as the store answered
    over: Event = field(default_factory=Event)


@pytest.fixture
def front(gateway: Server) -> Iterator[Front]:
    it, behind = Front(), urlsplit(gateway.url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            store = HTTPConnection(str(behind.hostname), behind.port)
            store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":  # the body is here already
                    store.putheader(name, value)
            store.endheaders(body)
            answer = store.getresponse()
            content = answer.read()
            if self.command == "POST" and "uploadId" in parse_qs(urlsplit(self.path).query):
                it.completions.append(answer.status)
                it.over.wait(SLOW)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "date", "server", "connection"):
                    self.send_header(name, value)
            size = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", size)
            self.end_headers()
            self.wfile.write(content)
            store.close()

        do_HEAD = do_PUT = do_POST = do_GET = do_DELETE = _pass

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield it
    it.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("shell")
def test_a_completion_slower_than_any_other_answer_is_waited_for(gateway: Server, front: Front, tmp_path: Path) -> None:
    bucket = gateway.fresh()
    sealed = bags.bundle(tmp_path, {"logs/app.current.log": os.urandom(multipart.THRESHOLD + 1)})
    assert sealed.size > multipart.THRESHOLD
    command = ["ship", str(sealed.path), "--store", f"s3://{bucket}/case", "--s3-endpoint-url", front.url]
    ended = subprocess.run(
        [sys.executable, "-m", "irkit", *command, "--s3-timeout", str(ORDINARY), "-o", "json"],
        env=os.environ | {"IRKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert front.completions == [200]
    receipt = json.loads(ended.stdout)
    assert (receipt["sha256"], receipt["size"]) == (sealed.sha256, sealed.size)
    assert receipt["url"] == f"s3://{bucket}/case/{sealed.path.name}"
    versions = gateway.client.list_object_versions(Bucket=bucket)["Versions"]
    assert [(one["Key"], one["Size"]) for one in versions] == [(f"case/{sealed.path.name}", sealed.size)]
    assert not gateway.client.list_multipart_uploads(Bucket=bucket).get("Uploads")
