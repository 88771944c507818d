"""What a shell offers for a word that is not finished. Whatever fails, nothing is offered and nothing is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, suppress
from io import StringIO
from itertools import islice
from threading import Thread

import typer

from irkit.settings import ClusterSettings

SECONDS = 2.0  # a person waits at the prompt
MOST = 200  # names offered
_POD = re.compile(r"\A(?:po|pods?)/")
_NAME = re.compile(r"\A[a-z0-9][-a-z0-9.]*\Z")  # the names of a cluster are a stranger's: no others reach the shell


def namespaces(context: typer.Context, incomplete: str) -> list[str]:
    """Those of the cluster that the flags choose."""
    from irkit.cluster.resources import NAMESPACES

    return _begun(lambda: _listed(NAMESPACES.path(), _settings(context)), incomplete)


def pods(context: typer.Context, incomplete: str) -> list[str]:
    """The pods of the namespace in force, or of the one before the slash."""
    from irkit.cluster.client import default_namespace
    from irkit.cluster.resources import PODS

    head = incomplete[: incomplete.rfind("/") + 1]

    def asked() -> Iterator[str]:
        settings = _settings(context)
        named = _POD.sub("", head).rstrip("/") or context.params.get("namespace")
        path = PODS.path(named or default_namespace(settings))
        return (head + name for name in _listed(path, settings))

    return _begun(asked, incomplete)


def playbooks(incomplete: str) -> list[str]:
    """Those that `irkit playbook ls` lists."""
    from irkit.playbook import find

    return _begun(find.everything, incomplete)


def rules(incomplete: str) -> list[str]:
    """The ids of the rules that audit logs are judged by."""
    from irkit.audit.detect.registry import RULES

    return _begun(lambda: (rule.id for rule in RULES), incomplete)


def _settings(context: typer.Context) -> ClusterSettings:
    return ClusterSettings(context.params.get("kubeconfig"), context.params.get("context"), SECONDS)


def _listed(path: str, settings: ClusterSettings) -> Iterator[str]:
    from irkit.cluster.client import connect
    from irkit.cluster.objects import entries, part

    for page in connect(settings).pages(path):
        for one in entries(page.json(), "items"):
            name = str(part(one, "metadata").get("name"))
            if _NAME.match(name):
                yield name


def _begun(ask: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    """What of `ask` begins so and is there in time: a login program of the kubeconfig may hang, too."""
    found: list[str] = []

    def work() -> None:
        with suppress(Exception):
            found.extend(islice((name for name in ask() if name.startswith(incomplete)), MOST))

    worker = Thread(target=work, daemon=True)
    with redirect_stderr(StringIO()):
        worker.start()
        worker.join(SECONDS)
    return list(found)
