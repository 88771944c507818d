"""Write tiny container images as importable tar files: pause; busybox, which is static; toolbox, the same with ss."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

APPLETS = (
    "sh sleep cat ls ps nc echo httpd date ping ip true tail seq mkdir touch id hostname env kill top awk grep head "
    "netstat"
)


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.size, info.type, info.linkname = 0o755, len(data), kind, link
    tar.addfile(info, io.BytesIO(data))


def layer(*programs: str) -> bytes:
    """`programs` with the libraries that they are linked to, each where it is here."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for folder in "bin etc tmp proc sys dev root var var/log".split():
            add(tar, folder, kind=tarfile.DIRTYPE)
        add(tar, "bin/busybox", Path("/bin/busybox").read_bytes())
        for applet in APPLETS.split():
            add(tar, f"bin/{applet}", kind=tarfile.SYMTYPE, link="busybox")
        add(tar, "etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
        for path in sorted({path for program in programs for path in linked(program)}):
            add(tar, path.lstrip("/"), Path(path).read_bytes())
    return raw.getvalue()


def linked(program: str) -> set[str]:
    """The paths of a program and of its libraries."""
    where = shutil.which(program, path="/bin:/usr/bin:/sbin:/usr/sbin")
    if where is None:
        sys.exit(f"no {program} here to make an image with")
    told = subprocess.run(["ldd", where], check=True, capture_output=True, text=True).stdout
    return {where, *(word for word in told.split() if word.startswith("/"))}


def image(tag: str, command: list[str], rootfs: bytes, out: Path) -> None:
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": command},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(rootfs).hexdigest()]},
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    with tarfile.open(out, "w") as tar:
        add(tar, name, config)
        add(tar, "layer.tar", rootfs)
        add(tar, "manifest.json", json.dumps([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]).encode())


folder = Path(sys.argv[1])
rootfs, tools = layer(), layer("ss")
image("docker.io/local/pause:1", ["/bin/sleep", "2147483647"], rootfs, folder / "pause.tar")
image("docker.io/local/busybox:1", ["/bin/sh"], rootfs, folder / "busybox.tar")
image("docker.io/local/toolbox:1", ["/bin/sh"], tools, folder / "toolbox.tar")
