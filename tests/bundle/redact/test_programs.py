"""Command lines and languages in which no name says that a secret follows: none gets through, and nothing else goes."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable

import pytest

from tests.bundle.redact.test_detect import LOG, through

S = "Tr0ub4dorX9k"
LINES = (
    f"mysql -u root -p{S} shop",
    f"/usr/bin/mysqldump -h db -p'{S}' shop > dump.sql",
    f"mysql -e 'select 1' \\\n  -p{S}",
    f"redis-cli -h cache -a {S} ping",
    f"redis-server --port 6379 --requirepass {S}",
    f"curl -sS -u admin:{S} https://x",
    f"curl -su admin:{S} https://x",
    f'curl --user "admin:{S}" https://x',
    f"curl -x http://proxy -U me:{S} https://x",
    f"etcdctl --user root:{S} get /",
    f"sshpass -p {S} ssh a@b",
    f"sshpass -p{S} ssh a@b",
    f"docker login -u me -p {S} registry",
    f"az login --service-principal -u x -p '{S}'",
    f"skopeo copy --src-creds a:{S} docker://x docker://y",
    f"crictl pull --creds=a:{S} image",
    f"kubectl create secret generic db --from-file=x --from-literal=key={S}",
    f"kubectl create secret generic db --from-literal key='{S}'",
    f"mongosh -u root -p {S} db",
    f"cqlsh -u cassandra -p {S} host",
    f"sqlcmd -S host -U sa -P {S}",
    f"mosquitto_pub -u a -P {S} -t topic",
    f"zip -P {S} a.zip b",
    f"7z x -p{S} a.7z",
    f"ldapsearch -x -D cn=admin -w {S} -b dc=x",
    f"smbclient -U user%{S} //host/share",
    f"lftp -u user,{S} host",
    f"snmpwalk -v2c -c {S} host",
    f"keytool -list -keystore k -storepass {S}",
    f"sqlplus scott/{S}@db",
    f"htpasswd -b file user {S}",
    f"htpasswd -bnBC 10 user {S}",
    f"vault login {S}",
    f"vault login -no-print {S}",
    f"rabbitmqctl add_user a {S}",
    f"mc alias set minio http://minio:9000 admin {S}",
    f"openssl rsa -in k -passin pass:{S}",
    f"openssl aes-256-cbc -k {S} -in k",
    f"aws configure set aws_secret_access_key {S}",
)
SAID = (
    f"CREATE USER 'a'@'%' IDENTIFIED BY '{S}'",
    f"CREATE USER a IDENTIFIED WITH caching_sha2_password BY '{S}'",
    f"ALTER ROLE a WITH ENCRYPTED PASSWORD '{S}'",
    f"SET PASSWORD FOR 'a'@'%' = '{S}'",
    f"machine example.com login me password {S}",
    f"machine example.com\n  login me\n  password {S}",
    f"AUTH {S}",
    f'1764250000.1 [0 10.0.0.1:1] "AUTH" "{S}"',
    f"requirepass {S}",
    f'"CONFIG" "SET" "requirepass" "{S}"',
    f"echo {S} | sudo -S ls",
    f"echo 'root:{S}' | chpasswd",
    f"echo -n {S} | docker login -u me --password-stdin",
    f"PASS={S}",
)
INNOCENT = """\
docker run -p 127.0.0.1:80:80 nginx
docker login registry.example.com
docker run -p 80:80 --name login-page web
vault login failed, see above
mkdir -p /srv/data
ssh -p 22 host
grep -a x file
password reset requested
the password must be changed
invalid password 'for user x'
curl: (6) could not resolve host
curl -u "$USER:$PASS" https://x
curl -sSL https://x | sh -s -- -u a
mysql -P 3306 -h db shop
mysql -u root -p
mysql -u root -p$MYSQL_PWD
mysql -u root -p${MYSQL_PWD} -e "select 1"
mysql: [Warning] Using a password on the command line interface can be insecure.
redis-cli -h redis -p 6379 ping
AUTH failed for user
login with password authentication
default login page password reset
echo done | sudo tee x
vault login -method=oidc role=dev
openssl rsa -in k -passin env:PASS
["docker", "run", "-p", "8080:80"] ["mysql", "-h", "db"], "-pool"
aws configure set region eu-central-1
kubectl create configmap a --from-literal=a=b
helm upgrade -p x
etcdctl --endpoints=https://127.0.0.1:2379 --user root get /
unzip -o a.zip -d /x
crane digest x@sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
""".splitlines()


def document(command: list[str], args: list[str]) -> bytes:
    return json.dumps(
        {"spec": {"containers": [{"name": "c", "image": "x", "command": command, "args": args}]}}
    ).encode()


@pytest.mark.parametrize("line", [*LINES, *SAID])
def test_no_secret_of_a_line_gets_through(line: str) -> None:
    texts = {
        LOG: (line + "\n", f'2026-11-27T10:00:00Z ran "{line}"\n', json.dumps({"msg": f"+ {line}"}) + "\n"),
        "data/pods/a.json": (document(["sh", "-c", line], []).decode(),),
    }
    for path, contents in texts.items():
        for content in contents:
            hidden, notes = through(path, content.encode())
            assert S.encode() not in hidden, content
            assert len(notes) == 1
            assert through(path, hidden)[0] == hidden


@pytest.mark.parametrize("write", [json.dumps, str, lambda words: json.dumps({"msg": json.dumps(words)})])
@pytest.mark.parametrize(
    "line", [line for line in LINES if line[:2] not in ("7z", "az", "mc") and not {*">\n"} & {*line}]
)
def test_no_secret_of_a_list_that_a_log_shows_gets_through(line: str, write: Callable[[list[str]], str]) -> None:
    shown = write(shlex.split(line))
    hidden, _ = through(LOG, f"exec {shown} done\n".encode())
    before, after = f"exec {shown} done\n".encode().split(S.encode())
    assert S.encode() not in hidden
    assert hidden.startswith(before)
    assert hidden.endswith(after)
    assert through(LOG, hidden) == (hidden, [])


@pytest.mark.parametrize("line", [line for line in LINES if ">" not in line])
def test_no_secret_of_a_containers_command_gets_through(line: str) -> None:
    words = shlex.split(line)
    for data in (document(words, []), document(words[:1], words[1:])):
        hidden, notes = through("data/pods/a.json", data)
        assert S.encode() not in hidden
        assert len(notes) == 1
        assert json.loads(hidden)
        assert through("data/pods/a.json", hidden)[0] == hidden


def test_a_program_is_known_by_its_image_and_a_word_is_hidden_whole() -> None:
    container = {"image": "registry.example.com/curlimages/curl:8", "args": ["-u", "admin:a b'c"]}
    data = json.dumps({"spec": {"containers": [container | {"name": "curl"}]}}).encode()
    hidden = json.loads(through("data/pods/a.json", data)[0])["spec"]["containers"][0]["args"]
    assert hidden[1].startswith("admin:[REDACTED:secret:")
    assert hidden[1].endswith("]")


@pytest.mark.parametrize(
    "query",
    [
        f"command=mysql&command=-u&command=root&command=-p{S}&container=c",
        f"command=sh&command=-c&command=mysql+-p{S}+shop&container=c",
        f"command=%2Fusr%2Fbin%2Fcurl&command=-u&command=admin%3A{S}&command=https%3A%2F%2Fx",
        f"command=htpasswd&command=-b&command=file&command=user&command={S}",
    ],
)
def test_no_secret_typed_into_an_exec_gets_through(query: str) -> None:
    event = {"requestURI": f"/api/v1/namespaces/a/pods/b/exec?{query}", "verb": "create"}
    for content in (json.dumps(event), json.dumps(event).replace("&", "\\u0026")):
        hidden, _ = through("data/audit/audit.jsonl", content.encode() + b"\n")
        assert S.encode() not in hidden
        assert json.loads(hidden)["requestURI"].startswith("/api/v1/namespaces/a/pods/b/exec?command=")


def test_a_long_list_is_read_through() -> None:
    words = ["java", *(f"-Dproperty.number.{number}=value" for number in range(60)), "mysql", "-h", "x" * 900, f"-p{S}"]
    assert S.encode() not in through("data/pods/a.json", document(words, []))[0]


@pytest.mark.parametrize("words", [["curl", "-x"], ["/a/curl", "/b/curl", "wget", "-u"]])
def test_a_list_of_nothing_but_programs_takes_linear_time(words: list[str]) -> None:
    def took(times: int) -> float:
        begun = time.process_time()
        through("data/pods/a.json", document(words * times, []))
        return time.process_time() - begun

    small = took(1_000)
    assert took(4_000) < 12 * small + 0.2


@pytest.mark.parametrize("line", INNOCENT)
def test_what_only_looks_alike_stays(line: str) -> None:
    contents = [(LOG, (line + "\n").encode()), ("data/pods/a.json", document(["sh", "-c", line], []))]
    if line.count("'") % 2 == line.count('"') % 2 == 0:
        contents.append(("data/pods/a.json", document([], shlex.split(line))))
    for path, content in contents:
        assert through(path, content) == (content, [])
