"""Start and stop: the range in a thread of this process."""

from __future__ import annotations

import json
import random
import socket
import threading
from datetime import datetime
from pathlib import Path
from types import TracebackType

import uvicorn

from irkit import times
from irkit.drill.range.access.audit import AuditLog
from irkit.drill.range.access.users import User, Users
from irkit.drill.range.answer import Json
from irkit.drill.range.app import Api
from irkit.drill.range.scenario.story import BARE, PAYMENTS, Scenario
from irkit.drill.range.state.controllers import Controllers
from irkit.drill.range.state.logs import Logs
from irkit.drill.range.state.store import Store
from irkit.drill.range.verbs.call import World
from irkit.errors import UsageError

CONTEXT = "practice"


class Range:
    """A running practice cluster. Use it as a context manager, or `stop` it."""

    def __init__(self, home: Path, port: int, scenario: Scenario | None, now: datetime | None, seed: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.audit_log = home, home / "audit" / "audit.log"
        self.store = Store(times.now, random.Random(seed))  # noqa: S311 - names and uids of a practice cluster
        self.users = Users()
        self.logs = Logs(home / "logs")
        controllers = Controllers(self.store)
        files = {"node-1/kube-apiserver/audit.log": self.audit_log}
        self.world = World(self.store, self.users, self.logs, controllers, files)
        self._audit = AuditLog(self.audit_log, times.now)
        (scenario or BARE).seed(self.store, self.logs, self._audit, now or times.now())
        controllers.rest()
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
            # Taken over by what it accepts; asyncio sets it only where a socket names TCP. Without it every answer but
            # the first few of a kept connection waits 40 ms for the peer's delayed ACK.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self._audit.close()
            raise UsageError(f"cannot listen on port {port}: {error.strerror}", "choose another port") from error
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.kubeconfig = self.write_kubeconfig("kubeconfig", self.users.admin_token)
        api = Api(self.world, self._audit)
        config = uvicorn.Config(
            api, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def write_kubeconfig(self, name: str, token: str, namespace: str = "default") -> Path:
        """A kubeconfig in the range's folder whose user carries `token`."""
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(_kubeconfig(self.url, token, namespace), indent=2) + "\n", "utf-8")
        return path

    def kubeconfig_for(self, user: User, name: str) -> Path:
        """A kubeconfig for another user, whom RBAC judges; not for kubectl, which sends no token over HTTP."""
        return self.write_kubeconfig(name, self.users.token(user))

    def start(self) -> Range:
        """Serve from a thread; requests may be sent as soon as this returns."""
        self._thread = threading.Thread(target=self._serve, name="practice-cluster", daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End every open stream, then the server; the audit log is complete when this returns."""
        self.world.closing = True
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        self._socket.close()
        self._audit.close()

    def __enter__(self) -> Range:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _kubeconfig(url: str, token: str, namespace: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": "oncall", "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": "oncall", "namespace": namespace}}],
    }


def start(
    port: int = 0, *, home: Path, scenario: Scenario | None = PAYMENTS, now: datetime | None = None, seed: int = 0
) -> Range:
    """A practice cluster serving on loopback, port 0 for any free one, with its files in `home`.

    Without a scenario it is an empty cluster of one node. `now` is the instant the scenario is told from, the present
    by default; `seed` decides uids and generated names.
    """
    return Range(home, port, scenario, now, seed).start()
