"""The one door to the official `kubernetes` package: its rules for finding a cluster and logging in, nothing else.

Requests go through its connection pool as raw bytes; its typed models drop fields they do not know, so nothing passes
through them. The package is imported inside `connect`, and only the part that is needed.
"""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from irkit.cluster.protocol import Cluster
from irkit.errors import UsageError
from irkit.settings import ClusterSettings
from irkit.text import Mask, safe

if TYPE_CHECKING:
    import urllib3

    from irkit.cluster.wire.sender import Pace

CONNECTIONS = 64  # kept alive: eight pods at a time, four logs of each, and for each the question whose it is
FRESH = 2.0  # seconds for which a login is not looked at again: the SDK reads all of it anew each time (1 ms)
_IMPORTING = Lock()
# What the SDK imports for logins that few use (OIDC refresh) or for its typed API: 0.35 s together.
_HEAVY = ("requests_oauthlib", "oauthlib", "oauthlib.oauth2", "kubernetes.client.api_client")


def connect(
    settings: ClusterSettings,
    *,
    environ: Mapping[str, str] = os.environ,
    pace: Pace | None = None,
    mask: Mask = str,
) -> Cluster:
    """The cluster that kubectl would speak to: flag, KUBECONFIG, ~/.kube/config, in-cluster credentials.

    Nothing is sent yet, but a credential plugin of the kubeconfig is run. Raises UsageError where no cluster can be
    found or logged in to. `pace` is how to try again (None: as for a production cluster); `mask` takes the secrets out
    of what a server says when it refuses, our own credentials aside, which are never repeated.
    """
    from irkit.cluster.wire.api import Api
    from irkit.cluster.wire.sender import Pace as DefaultPace
    from irkit.cluster.wire.sender import Sender

    login = _login(settings, environ)
    sender = Sender(login.pool, login.server, login.credentials, pace or DefaultPace(), mask)
    return Api(sender, login.context, settings.timeout)


def default_namespace(settings: ClusterSettings, *, environ: Mapping[str, str] = os.environ) -> str:
    """The namespace that kubectl would use: the context's, in-cluster the pod's own, else "default".

    Raises UsageError as `connect` does.
    """
    sdk = _sdk()
    files = _files(settings, environ)
    if not files:
        own = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
        return own.read_text().strip() if own.is_file() else "default"
    with _explained(sdk):
        merged = sdk.kube.KubeConfigMerger(files).config
        name = _context(merged, settings.context)
        context = merged["contexts"].get_with_name(name)["context"]
        return str(context.safe_get("namespace") or "default")


@dataclass(frozen=True, slots=True)
class _Login:
    server: str
    context: str  # "" in-cluster
    pool: urllib3.PoolManager
    credentials: Callable[[], dict[str, str]]  # headers, refreshed by the SDK when they expire


def _login(settings: ClusterSettings, environ: Mapping[str, str]) -> _Login:
    sdk = _sdk()
    configuration = sdk.Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS
    with tempfile.TemporaryDirectory(prefix="irkit-") as folder, _explained(sdk):
        context = _configure(sdk, configuration, settings, environ, folder)
        pool = sdk.RESTClientObject(configuration).pool_manager
        _load_keys(pool, configuration)
    lock, known = Lock(), (-FRESH, dict[str, str]())

    def credentials() -> dict[str, str]:
        nonlocal known
        with lock:
            if time.monotonic() - known[0] >= FRESH:
                with _explained(sdk):
                    found = configuration.auth_settings().values()
                headers = {entry["key"]: entry["value"].strip() for entry in found if entry["in"] == "header"}
                known = time.monotonic(), headers
            return known[1]

    return _Login(str(configuration.host).rstrip("/"), context, pool, credentials)


def _sdk() -> Any:  # noqa: ANN401 - the SDK is untyped
    """The parts of the official package that we use."""
    from irkit.cluster.wire.late import without

    with _IMPORTING, without("kubernetes", *_HEAVY):
        import kubernetes.client
        from kubernetes.client import Configuration
        from kubernetes.client.rest import RESTClientObject
        from kubernetes.config import ConfigException, incluster_config, kube_config

        vars(kubernetes.client).pop("ApiClient", None)  # the stand-in: whoever asks again gets the real one
    return SimpleNamespace(
        Configuration=Configuration,
        RESTClientObject=RESTClientObject,
        ConfigException=ConfigException,
        incluster=incluster_config,
        kube=kube_config,
    )


def _configure(
    sdk: Any,  # noqa: ANN401
    configuration: Any,  # noqa: ANN401
    settings: ClusterSettings,
    environ: Mapping[str, str],
    folder: str,
) -> str:
    """Fill the SDK's `configuration`; keys given as data go to files in `folder`. Returns the context's name."""
    files = _files(settings, environ)
    if not files:
        inside = sdk.incluster
        token, certificate = inside.SERVICE_TOKEN_FILENAME, inside.SERVICE_CERT_FILENAME
        inside.InClusterConfigLoader(token, certificate, environ=environ).load_and_set(configuration)
        return ""
    merger = sdk.kube.KubeConfigMerger(files)
    loader = sdk.kube.KubeConfigLoader(
        merger.config,
        active_context=_context(merger.config, settings.context),
        config_base_path=None,
        config_persister=merger.save_changes,
        temp_file_path=folder,
    )
    loader.load_and_set(configuration)
    return str(loader.current_context["name"])


def _context(config: Any, asked: str | None) -> str:  # noqa: ANN401
    """The context asked for, or the current one; raises UsageError for one that is not there."""
    name = asked or config.value.get("current-context")
    known = sorted(str(context["name"]) for context in config.value["contexts"])
    hint = f"there are: {', '.join(known)}; choose one with --context" if known else "the kubeconfig holds no contexts"
    if not name:
        raise UsageError("the kubeconfig has no current context", hint)
    if name not in known:
        raise UsageError(f"no context {safe(name)!r} in the kubeconfig", safe(hint)[:500])
    return str(name)


def _files(settings: ClusterSettings, environ: Mapping[str, str]) -> str:
    """The kubeconfig files to merge, joined as in KUBECONFIG; "" means in-cluster."""
    home = str(Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config")
    asked = settings.kubeconfig or environ.get("KUBECONFIG") or ""
    names = [asked] if settings.kubeconfig else [name for name in asked.split(os.pathsep) if name]
    found = [name for name in names or [home] if Path(name).expanduser().is_file()]
    if names and not found:
        raise UsageError(f"no such kubeconfig: {asked}", "check --kubeconfig and KUBECONFIG")
    if not found and not environ.get("KUBERNETES_SERVICE_HOST"):
        raise UsageError(
            "no cluster to speak to: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and not inside a pod",
            "name a kubeconfig with --kubeconfig FILE",
        )
    for name in found:
        if not os.access(Path(name).expanduser(), os.R_OK):
            raise UsageError(f"the kubeconfig cannot be read: {name}", "check its owner and mode")
    return os.pathsep.join(found)


def _load_keys(pool: urllib3.PoolManager, configuration: Any) -> None:  # noqa: ANN401
    """Read certificates and keys once, into one TLS context: no key stays on disk, no connection reads it again."""
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning
    from urllib3.util.ssl_ import create_urllib3_context

    options = pool.connection_pool_kw
    files = {name: options.pop(name, None) for name in ("ca_certs", "ca_cert_data", "cert_file", "key_file")}
    if not str(configuration.host).startswith("https"):
        return
    context = create_urllib3_context(cert_reqs=options["cert_reqs"])
    if files["ca_certs"] or files["ca_cert_data"]:
        context.load_verify_locations(cafile=files["ca_certs"], cadata=files["ca_cert_data"])
    elif configuration.verify_ssl:
        context.load_default_certs()
    else:
        disable_warnings(InsecureRequestWarning)  # insecure-skip-tls-verify is the kubeconfig's own choice
    if files["cert_file"]:
        context.load_cert_chain(files["cert_file"], files["key_file"])
    options["ssl_context"] = context


@contextmanager
def _explained(sdk: Any) -> Iterator[None]:  # noqa: ANN401
    """Whatever the SDK, a credential plugin or YAML complains of inside becomes one UsageError.

    The SDK only logs that a credential plugin failed, and goes on as nobody: what it logs is an error to us.
    """
    hint = "check the kubeconfig: `kubectl config view`"
    with _heard() as complaints:
        try:
            yield
        except sdk.ConfigException as error:
            raise UsageError(f"the kubeconfig cannot be used: {_line(error)}", hint) from error
        except (sdk.kube.yaml.YAMLError, TypeError, AttributeError, UnicodeDecodeError) as error:
            said = _line(error) if isinstance(error, sdk.kube.yaml.YAMLError) else "it is not laid out as one"
            raise UsageError(f"the kubeconfig cannot be used: {said}", hint) from error
        except (ssl.SSLError, OSError, ValueError, KeyError) as error:
            raise UsageError(f"the kubeconfig cannot be used: {_line(error) or type(error).__name__}", hint) from error
    if complaints:
        raise UsageError(
            f"the credential plugin of the kubeconfig failed: {complaints[0]}", "run it by hand, or log in again"
        )


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the SDK's kubeconfig loader logs as an error, kept from the user's terminal."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.module == "kube_config":
                heard.append(_line(record.getMessage()))

    ear, root = Ear(logging.ERROR), logging.getLogger()
    root.addHandler(ear)
    try:
        yield heard
    finally:
        root.removeHandler(ear)


def _line(error: object) -> str:
    return safe(" ".join(str(error).split()))[:300]
