"""Finding a cluster and logging in to it, by kubectl's rules."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from irkit.cluster.client import connect
from irkit.cluster.protocol import Cluster
from irkit.cluster.wire.sender import Pace
from irkit.errors import IrkitError, Unreachable, UsageError
from irkit.settings import ClusterSettings
from tests.cluster.scripted import Json, kubeconfig, reply, serving

QUICK = Pace(attempts=1)


def open_(path: Path | None = None, environ: Mapping[str, str] | None = None, context: str | None = None) -> Cluster:
    settings = ClusterSettings(str(path) if path else None, context, timeout=5)
    return connect(settings, environ=environ or {"HOME": "/nowhere"}, pace=QUICK)


def test_the_flag_wins_over_the_environment_and_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    flag = kubeconfig(tmp_path, "http://flag", name="flag")
    variable = kubeconfig(tmp_path, "http://variable", name="variable")
    kubeconfig(home, "http://home", name="home").rename(home / ".kube" / "config")
    environ = {"HOME": str(home), "KUBECONFIG": str(variable)}
    assert open_(flag, environ).server == "http://flag"
    assert open_(None, environ).server == "http://variable"
    assert open_(None, {"HOME": str(home)}).server == "http://home"


def test_several_files_are_merged_and_missing_ones_passed_over(tmp_path: Path) -> None:
    first, second = (kubeconfig(tmp_path, f"http://{name}", name=name) for name in ("first", "second"))
    environ = {"KUBECONFIG": os.pathsep.join([str(tmp_path / "absent"), str(first), str(second)])}
    assert open_(None, environ, "first").server == "http://first"
    assert open_(None, environ, "second").context == "second"


@pytest.mark.parametrize(
    ("text", "context", "message", "hint"),
    [
        (None, None, "no such kubeconfig: .*absent.conf", "KUBECONFIG"),
        ("", None, "cannot be used: Invalid kube-config. .* file is empty", "kubectl config view"),
        ("{[", None, "cannot be used", "kubectl config view"),
        ("[1, 2]", None, "cannot be used: it is not laid out as one", "kubectl config view"),
        ("just words", None, "cannot be used: it is not laid out as one", "kubectl config view"),
        ("contexts: [{name: a, context: {cluster: x}}]", None, "no current context", "there are: a"),
        ("contexts: [{name: a, context: {cluster: x}}]", "b", "no context 'b' in the kubeconfig", "there are: a"),
        ("contexts: []", "b", "no context 'b'", "no contexts"),
        ("contexts: [{name: a, context: {cluster: x}}]", "a", "cannot be used: .*name x", "kubectl config view"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(
    tmp_path: Path, text: str | None, context: str | None, message: str, hint: str
) -> None:
    path = tmp_path / "absent.conf"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        open_(path, context=context)
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_no_cluster_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no cluster to speak to"):
        open_(None, {"HOME": str(tmp_path)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_kubeconfig_that_may_not_be_read(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://a")
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        open_(path)


def test_inside_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]) -> None:
    environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(UsageError, match="token"):
        open_(None, environ)
    token = tmp_path / "token"
    token.write_text("inside\n")
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_CERT_FILENAME", str(certificate[0]))
    cluster = open_(None, environ)
    assert (cluster.server, cluster.context) == ("https://[::1]:443", "")


def test_tls_is_verified_by_the_name_asked_for_and_leaves_no_key_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]
) -> None:
    keys = tmp_path / "tmp"
    keys.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(keys))
    pem, key = (base64.b64encode(path.read_bytes()).decode() for path in certificate)
    user = {"client-certificate-data": pem, "client-key-data": key}
    with serving(reply(), tls=certificate) as script:
        named = kubeconfig(
            tmp_path,
            script.url,
            user=user,
            cluster={"certificate-authority-data": pem, "tls-server-name": "api.test"},
        )
        cluster = open_(named)
        assert list(keys.iterdir()) == []
        assert cluster.get("/version").body == b"{}"
        other = kubeconfig(tmp_path, script.url, cluster={"certificate-authority-data": pem})
        with pytest.raises(Unreachable, match="no TLS with .*not valid for '127.0.0.1'") as caught:
            open_(other).get("/version")
        assert "tls-server-name" in caught.value.hint
        unknown = kubeconfig(tmp_path, script.url)
        with pytest.raises(Unreachable, match="no TLS with .*self.signed certificate"):
            open_(unknown).get("/version")
        trusting = kubeconfig(tmp_path, script.url, cluster={"insecure-skip-tls-verify": True})
        assert open_(trusting).get("/version").body == b"{}"


def test_https_to_a_server_without_tls(tmp_path: Path) -> None:
    with serving(reply()) as script, pytest.raises(Unreachable, match="no TLS with"):
        open_(kubeconfig(tmp_path, script.url.replace("http:", "https:"))).get("/version")


def test_a_client_certificate_that_is_none(tmp_path: Path) -> None:
    nonsense = base64.b64encode(b"not a certificate").decode()
    user = {"client-certificate-data": nonsense, "client-key-data": nonsense}
    with pytest.raises(UsageError, match="cannot be used"):
        open_(kubeconfig(tmp_path, "https://a", user=user))
    with pytest.raises(UsageError, match="File does not exist"):
        open_(kubeconfig(tmp_path, "https://a", user={"client-certificate": "/absent", "client-key": "/absent"}))


def test_a_proxy_is_used(tmp_path: Path) -> None:
    with serving(reply()) as proxy:
        open_(kubeconfig(tmp_path, "http://api.invalid", cluster={"proxy-url": proxy.url})).get("/version")
        assert proxy.asked[0].path == "http://api.invalid/version"


def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path, "https://api.invalid", cluster={"proxy-url": "http://127.0.0.1:1"})
    with pytest.raises(Unreachable, match="api.invalid"):
        open_(config).get("/version")


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        ({"token": "plain"}, "Bearer plain"),
        ({"username": "jane", "password": "pw"}, "Basic " + base64.b64encode(b"jane:pw").decode()),
        ({"tokenFile": "token-file"}, "Bearer filed"),
    ],
)
def test_credentials_are_sent(tmp_path: Path, user: Json, sent: str) -> None:
    (tmp_path / "token-file").write_text("filed\n")
    with serving(reply()) as script:
        open_(kubeconfig(tmp_path, script.url, user=user)).get("/version")
        assert script.asked[0].headers["authorization"] == sent


def test_a_broken_token_is_never_shown(tmp_path: Path) -> None:
    with serving(reply()) as script, pytest.raises(IrkitError) as caught:
        open_(kubeconfig(tmp_path, script.url, user={"token": "s3cr\net"})).get("/version")
    assert "s3cr" not in f"{caught.value.message} {caught.value.hint}"


def plugin(folder: Path, script: str) -> Json:
    """A kubeconfig user whose credential plugin is the Python `script`."""
    path = folder / "plugin"
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "interactiveMode": "Never"}}


CREDENTIAL = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "kind": "ExecCredential",
    "status": {"token": "plugged", "expirationTimestamp": "2001-01-01T00:00:00Z"},
}


def test_a_credential_plugin_is_run_and_run_again_when_its_token_has_expired(tmp_path: Path) -> None:
    user = plugin(tmp_path, f"open('runs', 'a').write('x'); print('''{json.dumps(CREDENTIAL)}''')")
    with serving(reply()) as script:
        cluster = open_(kubeconfig(tmp_path, script.url, user=user))
        cluster.get("/version")
        assert script.asked[0].headers["authorization"] == "Bearer plugged"
    assert len((tmp_path / "runs").read_text()) == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit('session expired,\\nlog in')", "process returned 1. session expired, log in"),
        ("print('no json')", "failed to decode"),
        ("print('{}')", "missing key"),
        ("print('''" + json.dumps({**CREDENTIAL, "status": {}}) + "''')", "missing token"),
    ],
)
def test_a_failing_credential_plugin_is_an_error_and_says_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, message: str
) -> None:
    with pytest.raises(UsageError, match=f"credential plugin of the kubeconfig failed: .*{message}"):
        open_(kubeconfig(tmp_path, "http://a", user=plugin(tmp_path, script)))
    assert capfd.readouterr() == ("", "")


def test_a_missing_credential_plugin_is_named(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin"}}
    with pytest.raises(UsageError, match="no-such-plugin"):
        open_(kubeconfig(tmp_path, "http://a", user=user))


def test_an_expired_oidc_token_is_refreshed_by_the_parts_imported_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encoded(part: Json) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    expired = ".".join([encoded({"alg": "none"}), encoded({"exp": 1}), "x"])
    with serving(reply()) as issuer:
        token = {"access_token": "a", "id_token": "fresh", "refresh_token": "next", "token_type": "bearer"}
        issuer.answers[:] = [
            reply({"token_endpoint": f"{issuer.url}/token"}, Content_Type="application/json"),
            reply(token, Content_Type="application/json"),
            reply(),
        ]
        config = {"client-id": "c", "client-secret": "s", "id-token": expired, "refresh-token": "first"}
        user = {"auth-provider": {"name": "oidc", "config": {**config, "idp-issuer-url": issuer.url}}}
        path = kubeconfig(tmp_path, issuer.url, user=user)
        open_(path).get("/version")
        assert [asked.path for asked in issuer.asked] == ["/.well-known/openid-configuration", "/token", "/version"]
        assert issuer.asked[2].headers["authorization"] == "Bearer fresh"
    assert "next" in path.read_text(), "kept for the next command, as kubectl does"


def test_connecting_imports_neither_the_typed_models_nor_oauth() -> None:
    program = (
        "import sys; from irkit.cluster.client import _sdk; _sdk();"
        "heavy = {'pydantic', 'requests', 'oauthlib', 'websocket', 'kubernetes.client.models', 'kubernetes.dynamic'};"
        "print(sorted(heavy & set(sys.modules)));"
        "import kubernetes.client; from kubernetes.client import ApiClient, V1Pod; print(ApiClient.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "kubernetes.client.api_client"]
