"""Secrets on the command lines of programs whose flags do not say so: `mysql -px`, `curl -u user:x`, `redis-cli -a x`.

One table for texts, for the words of a container's command, and for what was typed into `kubectl exec`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, takewhile
from typing import NamedTuple

from irkit.bundle.redact.detect import words
from irkit.bundle.redact.detect.shapes import within_word
from irkit.bundle.redact.detect.span import LONGEST, Span
from irkit.bundle.redact.tokens import TOKEN, inside

_GAP = rb"(?:[ \t\x00]|\\{1,3}(?:\r?\n|n(?= ))){1,8}+"
# A log in JSON writes quotes and line ends with a backslash.
_BARE = rb"(?:[^\s\x00\"'`;|&<>()\\]|\\[^nrtu\"\\\r\n])++"
_WORD = rb"(?:\\{0,3}\"[^\"\r\n\\]*+\\{0,3}\"|'[^'\r\n]*+'|" + _BARE + rb")"
_SECRET = rb"(?:\\{0,3}\"([^\"\r\n\\]++)|'([^'\r\n]++)|(" + _BARE + rb"))"
_END = re.compile(rb"(?<!\\)\r?\n|(?<!\\)\\[nr](?![\w/.-])|[;|](?=\s)|&&")
_PARTING = b" \t\r\n\x00\"'`;|&<>()"
_WHOLE = bytes.maketrans(_PARTING, b"\x01" * len(_PARTING))  # of a word in a list nothing parts
# Between the words of a list that a log shows, and behind the last one.
_COMMA = re.compile(rb"(?:\\{0,3}\"|'), ?(?:\\{0,3}\"|')")
_CLOSED = re.compile(rb"[\"'] ?\]")


def _next(*flags: bytes) -> bytes:
    """In the word behind a flag: `-a x`, `--pass=x`."""
    return _GAP + rb"(?:" + b"|".join(flags) + rb")(?:" + _GAP + rb"|=)" + _SECRET


def _same(flag: bytes) -> bytes:
    """In the same word: `-px`."""
    return _GAP + flag + _SECRET


def _pair(mark: bytes, *flags: bytes) -> bytes:
    """Behind a user's name: `-u user:x`."""
    user = rb"[^\s\x00\"'\\" + mark + rb"]{0,128}+" + mark + rb"(?!//)"
    quoted = rb"\\{0,3}\"" + user + rb"([^\"\r\n\\]++)|'" + user + rb"([^'\r\n]++)"
    return _GAP + rb"(?:" + b"|".join(flags) + rb")(?:" + _GAP + rb"|=)?(?:" + quoted + rb"|" + user + _SECRET + rb")"


def _place(*before: bytes) -> bytes:
    """In the word behind words like these."""
    return b"".join(_GAP + one for one in before) + _GAP + _SECRET


def _said(mark: bytes, *flags: bytes) -> bytes:
    """In the word behind a flag, behind what says where the secret comes from: `-passin pass:x`."""
    word = rb"\\{0,3}\"" + mark + rb"([^\"\r\n\\]++)|'" + mark + rb"([^'\r\n]++)|" + mark + _SECRET
    return _GAP + rb"(?:" + b"|".join(flags) + rb")" + _GAP + rb"(?:" + word + rb")"


class _Row(NamedTuple):
    programs: bytes  # separated by blanks
    marks: tuple[bytes, ...]  # one of them stands in a line that is worth a closer look
    secrets: tuple[bytes, ...]  # what of the line, in the group that matches


_BATCH, _SHOWN = rb"-[A-Za-mo-z]{0,8}b[A-Za-mo-z]{0,8}", rb"-[A-Za-z]{0,8}b[A-Za-z]{0,8}"
_COST = rb"(?:" + _GAP + rb"[0-9]{1,2}(?![^\s\x00]))?+"
_USER = _pair(b":", rb"-[A-Za-z]{0,8}[uU]", rb"--user", rb"--proxy-user")
_LOGIN = _GAP + rb"login(?=[ \t\x00])[^\r\n]{0,256}?" + _next(b"-p")
# A token has digits; what a log says of a login has not.
_TOKEN = rb"login(?:" + _GAP + rb"-[^\s\x00]{1,64}+){0,4}+(?=[ \t\x00]{1,8}[^\s\x00]{0,64}[0-9])"
_TABLE = (
    _Row(
        b"mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin", (b"-p",), (_same(b"-p"),)
    ),
    _Row(b"curl wget etcdctl", (b"-", b"user"), (_USER,)),
    _Row(b"redis-cli redis-benchmark valkey-cli", (b"-a", b"AUTH", b"auth"), (_next(b"-a"), _place(b"(?:AUTH|auth)"))),
    _Row(b"redis-server valkey-server", (b"--",), (_next(b"--requirepass", b"--masterauth", b"--primaryauth"),)),
    _Row(b"sshpass", (b"-p",), (_next(b"-p"), _same(b"-p"))),
    _Row(b"docker podman nerdctl buildah skopeo crane helm az oc", (b"login",), (_LOGIN,)),
    _Row(b"skopeo crictl buildah", (b"creds",), (_pair(b":", rb"--(?:src-|dest-)?creds"),)),
    _Row(b"kubectl oc", (b"secret",), (_pair(b"=", rb"--from-literal"),)),
    _Row(b"mongo mongosh mongodump mongorestore mongoexport mongoimport cqlsh", (b"-p",), (_next(b"-p"), _same(b"-p"))),
    _Row(b"sqlcmd bcp mosquitto_pub mosquitto_sub zip unzip", (b"-P",), (_next(b"-P"), _same(b"-P"))),
    _Row(b"7z 7za 7zz", (b"-p",), (_same(b"-p"),)),
    _Row(b"ldapsearch ldapadd ldapmodify ldapdelete ldappasswd", (b"-w", b"-s"), (_next(b"-w", b"-s"), _same(b"-w"))),
    _Row(b"smbclient rpcclient net", (b"%",), (_pair(b"%", b"-U", b"--user"),)),
    _Row(b"lftp ncftp", (b"-u",), (_pair(b",", b"-u"),)),
    _Row(b"snmpget snmpwalk snmpset snmpbulkwalk", (b"-",), (_next(b"-c", b"-A", b"-X"),)),
    _Row(b"keytool jarsigner", (b"pass",), (_next(b"-storepass", b"-keypass", b"-srcstorepass", b"-deststorepass"),)),
    _Row(b"sqlplus expdp impdp", (b"@",), (_GAP + rb"[^\s\x00/@\"'\\]{1,128}/([^\s\x00@\"'\\]++)@",)),
    _Row(
        b"htpasswd",
        (b"-",),
        (_place(_BATCH + _COST, _WORD, _WORD), _place(rb"(?=-[A-Za-z]{0,8}n)" + _SHOWN + _COST, _WORD)),
    ),
    _Row(b"vault bao", (b"login",), (_place(_TOKEN),)),
    _Row(b"rabbitmqctl", (b"user", b"pass"), (_place(b"(?:add_user|change_password|authenticate_user)", _WORD),)),
    _Row(b"mc mcli", (b"alias",), (_place(b"alias", b"set", _WORD, _WORD, _WORD),)),
    _Row(b"aws", (b"set",), (_place(b"configure", b"set", rb"[\w.-]{0,64}(?:secret_access_key|session_token)"),)),
    _Row(b"openssl", (b"pass:", b"-k", b"-K"), (_said(b"pass:", rb"-pass(?:in|out)?"), _next(b"-[kK]"))),
    _Row(b"useradd usermod", (b"-p",), (_next(b"-p"),)),
    _Row(b"setx", (b"",), (_place(rb"(?i:[a-z0-9_]{0,64}(?:pass|pwd|secret|token|key)[a-z0-9_]{0,64})"),)),
)
_RULES: dict[bytes, list[tuple[tuple[bytes, ...], bytes]]] = {}
for _row in _TABLE:
    for _program in _row.programs.split():
        _RULES.setdefault(_program, []).extend((_row.marks, secret) for secret in _row.secrets)
_compiled = lru_cache(re.compile)  # once a program is called: all of them take longer than most runs need
_BEFORE = rb"(?:^|[^A-Za-z0-9_.-]|\\[nrt])"
# Two letters stand in every line: of such a program the next word is asked for, too.
_BRIEF = rb"(?:az|oc) login|oc create secret|mc alias|7z [aextl]"
_NAME = rb"(?:" + b"|".join(re.escape(name) for name in sorted(_RULES, reverse=True) if len(name) > 2) + rb")"
BRIEF = rb"[\"/](?:az|oc|mc|7z)\\{0,15}\""  # as the one word of a list
TRIGGER = _BEFORE + rb"(?:" + _NAME + rb"|" + _BRIEF + rb")[\s\x00\"'\\]"
_CALLS = re.compile(_BEFORE + rb"(?:" + _NAME + rb"|" + _BRIEF + rb")[\s\x00]")
_ENDS = re.compile(rb"(?:\\[nrt])?([A-Za-z0-9_-]{1,16})(?: (?:login|create secret|alias|[aextl]))?[\s\x00\"'\\]\Z")


def called(text: bytes, at: int) -> Iterator[Span]:
    """The secrets on the line of a program; `at` is behind the first byte after its name."""
    name = _ENDS.search(text, max(0, at - 34), at)
    if name is None or name[1] not in _RULES or within_word(text, name.start(1)):
        return
    begin = name.end(1)
    stop = text.find(b"\n", at, at + LONGEST)
    stop = at + LONGEST if stop < 0 or text[stop - 1 : stop] == b"\\" else stop
    again = _again(name[1]).search(text, begin, stop)  # what stands behind that is its own
    for start, end, lead in _found(name[1], _parted(text[begin : again.start() if again else stop])):
        yield Span(begin + start, begin + end, "called", lead=lead)


@lru_cache
def _again(program: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:(?<![A-Za-z0-9_.-])|(?<=\\[nrt]))" + re.escape(program) + rb"[\s\x00\"'\\]")


def _parted(line: bytes) -> bytes:
    """`line` as it is; of a list of words, these parted by as many bytes as in the list."""
    if not _COMMA.match(line):
        return line
    closed = _CLOSED.search(line)
    return _COMMA.sub(lambda hit: b"\x00" * len(hit[0]), line[: closed.start() if closed else len(line)])


def within(line: bytes) -> Iterator[Span]:
    """The secrets on the lines of all programs that `line` calls."""
    for call in _CALLS.finditer(line):
        yield from called(line, call.end())


def listed(command: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Which words of a command are secrets, and from which byte on."""
    for number, word in enumerate(command):
        program = word.rpartition(b"/")[2]
        if program not in _RULES:
            continue
        rest = _own(program, command[number + 1 : number + 1 + LONGEST])
        starts = [0, *accumulate(len(one) + 1 for one in rest)]
        line = b"".join(b"\x00" + one[:LONGEST].translate(_WHOLE) for one in rest)
        for start, *_ in _found(program, line[:LONGEST]):
            behind = bisect_left(starts, start) - 1
            yield number + 1 + behind, start - starts[behind] - 1


def _own(program: bytes, behind: Sequence[bytes]) -> list[bytes]:
    """The words of a program: behind the same one again they are that one's, and no list is read once for each word."""
    return list(takewhile(lambda word: word.rpartition(b"/")[2] != program, behind))


def _found(program: bytes, line: bytes) -> Iterator[tuple[int, int, int]]:
    """Where a secret begins and ends, and how many bytes before it are its flag."""
    rules = [_compiled(secret) for marks, secret in _RULES[program] if any(mark in line for mark in marks)]
    stop = _END.search(line) if rules else None
    for hit in (hit for secret in rules for hit in secret.finditer(line, 0, stop.start() if stop else len(line))):
        start, end = hit.span(hit.lastindex or 0)
        value = line[start:end]
        unset = value.startswith(b"-") or words.referred(value) or words.trivial(value)
        if not (unset or TOKEN.match(line, start) or inside(line, start)):
            yield start, end, start - hit.start()


def knows(word: bytes) -> bool:
    """Whether a word names one of the programs, as it is or percent-encoded."""
    return word.replace(b"%2F", b"/").rpartition(b"/")[2] in _RULES
