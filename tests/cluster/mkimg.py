"""Write two tiny container images (pause, busybox) as importable tar files, from Debian's static busybox."""

import hashlib
import io
import json
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


def layer() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for folder in "bin etc tmp proc sys dev root var var/log".split():
            add(tar, folder, kind=tarfile.DIRTYPE)
        add(tar, "bin/busybox", Path("/bin/busybox").read_bytes())
        for applet in APPLETS.split():
            add(tar, f"bin/{applet}", kind=tarfile.SYMTYPE, link="busybox")
        add(tar, "etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    return raw.getvalue()


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
rootfs = layer()
image("docker.io/local/pause:1", ["/bin/sleep", "2147483647"], rootfs, folder / "pause.tar")
image("docker.io/local/busybox:1", ["/bin/sh"], rootfs, folder / "busybox.tar")
