"""Those who get in the way of an isolation on a real cluster: an admission webhook, a controller."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import PODS
from irkit.cluster.watch import states
from irkit.errors import ClusterError, Conflict, NotFound
from irkit.model.pod import PodRef
from tests.cluster.real import RealCluster

NO = "no pod is changed here"


class Handler(BaseHTTPRequestHandler):
    """Answers every review with no, or breaks the connection off."""

    speechless = False

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.speechless:
            self.close_connection = True
            return
        status = {"code": 403, "message": NO}
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = json.dumps({**review, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def webhook(real: RealCluster, namespace: str, folder: Path, *, speechless: bool = False) -> Iterator[None]:
    """Every change of a pod of the namespace is asked about, by the API server of this machine, and refused."""
    certificate, key = _certificate(folder)
    handler = type("Hook", (Handler,), {"speechless": speechless})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = f"irkit-test-{uuid.uuid4().hex[:6]}"
        real.apply(_configuration(name, namespace, f"https://127.0.0.1:{server.server_port}/", certificate))
        try:
            yield
        finally:
            real.kubectl("delete", "validatingwebhookconfiguration", name)
            server.shutdown()


def _configuration(name: str, namespace: str, url: str, certificate: Path) -> Json:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]}
    hook = {
        "name": "pods.example.com",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(certificate.read_bytes()).decode()},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "timeoutSeconds": 2,
    }
    kind = "ValidatingWebhookConfiguration"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "webhooks": [hook],
    }


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "hook.crt", folder / "hook.key"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = [
        "-subj",
        "/CN=hook",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run([*made, *named], check=True, capture_output=True)
    return certificate, key


@contextmanager
def controller(cluster: Cluster, ref: PodRef, key: str, value: str) -> Iterator[None]:
    """Puts a label back on the pod as soon as it is gone, for as long as the block lasts."""
    stop = threading.Event()

    def work() -> None:
        query = {"fieldSelector": f"metadata.name={ref.name}"}
        for state in states(cluster, PODS.path(ref.namespace), query, seconds=2):
            if stop.is_set():
                return
            for pod in state.values():
                if pod["metadata"].get("labels", {}).get(key) != value:
                    _put_back(cluster, pod, key, value)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _put_back(cluster: Cluster, pod: Json, key: str, value: str) -> None:
    """As controllers do: with the version that was seen, so that the next event brings another try."""
    metadata = pod["metadata"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    put = {"op": "add", "path": f"/metadata/labels/{key}", "value": value}
    try:
        cluster.patch(PODS.path(metadata["namespace"], metadata["name"]), [test, put])
    except (Conflict, NotFound):
        return
    except ClusterError as error:
        raise AssertionError(f"the controller cannot work: {error.message}") from error
