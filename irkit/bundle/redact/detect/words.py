"""Which names are names of secrets, and which values are too plain to be one."""

from __future__ import annotations

import re
from functools import lru_cache

# Within a name without its separators, in lower case.
_SECRET = re.compile(
    "password(?!less)|passwd|passphrase|passcode|secret(?!ar)|token(?!iz)|credential|authorization|cookie|bearer|jwt|"
    "apikey|accesskey|privatekey|secretkey|encryptionkey|signingkey|masterkey|accountkey|sharedkey|authkey|storagekey|"
    "sshkey|clientkey|licensekey|hmackey|webhookkey|sessionid|connectionstring|connstr"
)
# As a whole word of a name.
_WHOLE = frozenset({"auth", "pass", "pwd", "pw", "dsn", "creds", "pat", "sas", "passwords", "tokens", "secrets", "sig"})
_PASSWORD = re.compile("passw|passphrase|passcode|pwd")
# A name that ends so tells about a secret and holds none: secretName, tokenExpirationSeconds, PASSWORD_FILE.
_ABOUT = frozenset(
    "name names ref refs seconds minutes path paths file files filename dir directory type types endpoint policy "
    "version expiry expires expiration ttl length size count limit enabled disabled issuer audience audiences provider "
    "class mode bits max min timeout interval rotation decision reason method algorithm format field header prefix "
    "id ids namespace namespaces status state age used usage review reviews required allowed controller".split()
)
_IDS = (["session", "id"], ["secret", "id"])  # identifiers that let one in
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TRIVIAL = re.compile(
    rb"(?:true|false|yes|no|on|off|null|nil|none|undefined|\*+|x{3,}|<[a-z _-]{0,40}>|[0-9]{1,3}|"
    rb"\$\(\w+\)|\$\{\w+\}|(?-i:\$[A-Z_]{3,}))?",
    re.I,
)
_PLAIN_PART = re.compile(rb"[A-Za-z]{0,24}|[0-9]{0,6}|v[0-9]{1,4}")
_PART = re.compile(rb"[^A-Za-z0-9]+")
# What prose puts after "password:".
_PROSE = frozenset(
    b"incorrect invalid wrong required expired missing empty must is was not for and the a an has cannot mismatch "
    b"changed reset failed failure denied ok unknown unset set does should may authentication error rejected "
    b"accepted too will string".split()
)


@lru_cache(4096)
def names_secret(name: str) -> bool:
    """Whether a value under `name` (a key, a flag, a variable, a header) is a secret."""
    words = [word.lower() for word in _WORD.findall(name.rsplit("/", 1)[-1])]
    if not words or (words[-1] in _ABOUT and words[-2:] not in _IDS):
        return False
    return bool(_SECRET.search("".join(words))) or any(word in _WHOLE for word in words)


def names_password(name: str) -> bool:
    """Whether it names what people choose, and may choose plain."""
    return bool(_PASSWORD.search(name.lower()))


def trivial(value: bytes) -> bool:
    """Whether `value` hides nothing under any name: empty, true, null, a small number, a reference to a variable."""
    return bool(_TRIVIAL.fullmatch(value))


def referred(value: bytes) -> bool:
    """Whether a shell or a template puts the secret in later: `$PASSWORD`, `{{ .password }}`."""
    return value.startswith((b"$", b"%(", b"{{"))


def harmless(name: str, value: bytes) -> bool:
    """Whether `value` is no secret though `name` sounds so: the shell's PWD, a number of a language model's tokens."""
    if name.lower() in ("pwd", "oldpwd"):
        return value.startswith(b"/")
    return name.lower().endswith("tokens") and value.isdigit() and len(value) <= 7


def plain(value: bytes) -> bool:
    """Whether `value` is words and small numbers: `default/db-tls`, `expired`, `10.0.0.1:8080`."""
    return len(value) <= 128 and all(_PLAIN_PART.fullmatch(part) for part in _PART.split(value))


def prose(value: bytes) -> bool:
    """Whether `value` is what a sentence says after "password:"."""
    return value.strip(b".,!").lower() in _PROSE


_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_IDENTIFIER = re.compile(rb"sha(?:256|512|1):[0-9a-f]+|" + _UUID.pattern)
_RUN = re.compile(rb"[A-Za-z0-9_+=-]{16,}")
_TURN = re.compile(rb"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
_HASHED_NAME = re.compile(rb"[a-z][a-z0-9-]*?(?:-[a-z0-9]{4,10}){1,2}")
_WORDS_CASED = re.compile(rb"[A-Za-z_=+-]*")


def random_looking(value: bytes) -> bool:
    """Whether some run of 16 or more letters and digits in `value` changes its kind too often for a name.

    UUIDs, `sha256:` digests and names with a pod's hash do not count.
    """
    runs = _RUN.findall(_IDENTIFIER.sub(b"", value))
    return any(
        len(_TURN.findall(run)) >= 4 and not _HASHED_NAME.fullmatch(run) and not _WORDS_CASED.fullmatch(run)
        for run in runs
    )
