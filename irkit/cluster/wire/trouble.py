"""What went wrong below HTTP, translated once: no answer, half an answer, or one that came too late."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPException

import urllib3.exceptions as foreign

from irkit.cluster.wire.deadline import LATE
from irkit.errors import ClusterError, DeadlineExceeded, Unreachable
from irkit.text import safe

FOREIGN = (foreign.HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that brought no answer. `unsent`: it never left; `passing`: trying again may help."""

    error: ClusterError
    unsent: bool = False
    passing: bool = True


def trouble(error: Exception, server: str) -> Trouble:
    """What a foreign error means to us; `server` is named in the message."""
    match error:
        case foreign.NameResolutionError():
            return _unsent(f"unknown host: {server}", "check the server's name in the kubeconfig, and DNS")
        case foreign.NewConnectionError():
            return _unsent(f"no connection to {server}: {_why(error)}", "check that the API server is up and reachable")
        case foreign.ConnectTimeoutError():
            return _unsent(f"no connection to {server} in the time allowed", "check network, VPN and firewall")
        case foreign.ProxyError():
            return _unsent(
                f"no connection to {server} through the proxy: {_why(error)}", "check proxy-url and HTTPS_PROXY"
            )
        case foreign.SSLError():
            hint = "check certificate-authority, client certificate and tls-server-name in the kubeconfig"
            passing = "CERTIFICATE_VERIFY_FAILED" not in str(error)
            return Trouble(Unreachable(f"no TLS with {server}: {_why(error)}", hint), passing=passing)
        case foreign.TimeoutError() | TimeoutError():
            return Trouble(DeadlineExceeded(f"{server} did not answer in the time allowed", LATE), passing=False)
        case ValueError():  # its text may hold a credential (http.client: "Invalid header value ...")
            hint = "check the server's URL and the credentials in the kubeconfig"
            return Trouble(Unreachable(f"no request to {server} can be made of these settings", hint), passing=False)
        case _:
            hint = "the connection broke: try again, and check what was done if this was a change"
            return Trouble(Unreachable(f"no whole answer from {server}: {_why(error)}", hint))


def _unsent(message: str, hint: str) -> Trouble:
    return Trouble(Unreachable(message, hint), unsent=True)


def _why(error: BaseException) -> str:
    """The innermost reason in a few words: urllib3 wraps what the operating system said."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    text = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or str(error)
    return safe(str(text) or type(error).__name__)[:200]
