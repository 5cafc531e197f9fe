"""Build the archives that the benchmark reads: an image of ordinary files of this machine, in several shapes.

The files are those of this Debian and this Python, in the layers that a Dockerfile would have put them in, sorted, with
the headers that Docker writes; two builds on an unchanged machine give the same bytes. Knows nothing of imgscan.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import sysconfig
import tarfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT: Final = Path(__file__).parent.parent
WORK: Final = PROJECT / "bench" / "work"
MB: Final = 1_000_000

LEAST_BYTES: Final = 1000 * MB
LEAST_MEMBERS: Final = 60_000
"""What issue 2 asks for; a machine with less installed cannot be measured on."""

MAX_FILE_BYTES: Final = 24 * MB
"""Larger files are rare in images, and here few of them would crowd out all the small ones."""

GZIP_LEVEL: Final = 6
"""What Docker, BuildKit and ``gzip`` use."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An instruction, the folders whose files it is to have put there, and how many bytes of them at most."""

    created_by: str
    roots: tuple[str, ...]
    max_bytes: int


PLAN: Final = (  # without manuals, as in the slim images of Debian
    Layer("ADD rootfs.tar /", ("/var/lib/dpkg", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/bin"), 130 * MB),
    Layer(
        "RUN apt-get install build-essential",
        ("/usr/include", "/usr/share/doc", "/usr/share/perl", "/usr/lib/gcc", "/usr/lib"),
        500 * MB,
    ),
    Layer("RUN install python", (sysconfig.get_path("stdlib"), "/usr/lib/python3"), 150 * MB),
    Layer("RUN pip install", (sysconfig.get_path("purelib"), "/opt"), 190 * MB),
    Layer("RUN npm ci", ("/usr/lib/node_modules", "/usr/share/javascript", "/usr/share/vim"), 60 * MB),
    Layer("RUN install sdk", ("/usr/lib/google-cloud-sdk/lib", "/usr/share"), 240 * MB),
    Layer("COPY . /app", tuple(str(PROJECT / name) for name in ("src", "tests", "fixtures", "docs")), 5 * MB),
)
TINY: Final = (Layer("COPY . /app", (str(PROJECT / "src"),), MB // 2),)

SHAPES: Final = {
    "tiny": (TINY, "gzip"),
    "layers-plain": (PLAN, "plain"),
    "layers-gzip": (PLAN, "gzip"),
    "one-plain": (PLAN, "plain"),
    "one-gzip": (PLAN, "gzip"),
}
"""Every archive: its layers, and how they are stored. In those named ``one`` a single layer holds it all."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A layer as it will stand in the archive: where it is until then, its digests, what is in it."""

    path: Path
    digest: str
    diff_id: str
    created_by: str
    members: int
    tar_bytes: int


def archive(shape: str) -> Path:
    """The path of an archive."""
    return WORK / f"{shape}.tar"


def build() -> None:
    """Build every archive that is not there yet."""
    WORK.mkdir(exist_ok=True)
    missing = [shape for shape in SHAPES if not archive(shape).exists()]
    with ProcessPoolExecutor() as pool:
        for line in pool.map(_build, missing):
            print(line, flush=True)


def _build(shape: str) -> str:
    plan, form = SHAPES[shape]
    titles, groups = [layer.created_by for layer in plan], _chosen(plan)
    if shape.startswith("one"):
        titles, groups = [" && ".join(titles)], [list(chain.from_iterable(groups))]
    blobs = [
        _blob(WORK / f"{shape}-{number}.layer", title, paths, form)
        for number, (title, paths) in enumerate(zip(titles, groups, strict=True))
    ]
    new = archive(shape).with_suffix(".new")
    with tarfile.open(new, "w", format=tarfile.USTAR_FORMAT) as tar:
        _write_image(tar, shape, blobs, form)
    for blob in blobs:
        blob.path.unlink()
    members, size = sum(blob.members for blob in blobs), sum(blob.tar_bytes for blob in blobs)
    if plan is PLAN and (members < LEAST_MEMBERS or size < LEAST_BYTES):
        raise SystemExit(f"this machine has too few files: {members} members, {size} bytes")
    new.rename(archive(shape))
    sizes = ", ".join(f"{blob.tar_bytes / MB:.0f}" for blob in blobs)
    return f"{shape}: {size / MB:.0f} MB in {members} members; layers of {sizes} MB"


def _blob(path: Path, title: str, paths: Iterable[Path], form: str) -> Blob:
    """Write a layer to a file of its own, as its digest has to be known before it can be named."""
    with path.open("wb") as file:
        stored = _Hashed(file)
        packed = gzip.GzipFile("", "wb", GZIP_LEVEL, stored, mtime=0) if form == "gzip" else stored
        plain = _Hashed(packed)
        members = 0
        with tarfile.open(None, "w|", plain) as tar:
            for member in paths:
                members += _add(tar, member)
        if packed is not stored:
            packed.close()
    return Blob(path, stored.digest(), plain.digest(), title, members, plain.count)


def _chosen(plan: Iterable[Layer]) -> list[list[Path]]:
    """The paths that go into each layer, in order; none goes into two."""
    seen: set[Path] = set()
    chosen: list[list[Path]] = []
    for layer in plan:
        left = layer.max_bytes
        chosen.append([])
        for path in (path for root in layer.roots for path in _walk(Path(root))):
            size = _size(path)
            if size > MAX_FILE_BYTES or path in seen:
                continue
            left -= size + tarfile.BLOCKSIZE
            if left < 0:
                break
            seen.add(path)
            chosen[-1].append(path)
    return chosen


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() and not path.is_symlink() else 0


def _walk(root: Path) -> Iterator[Path]:
    """Everything below a folder, and the folder."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(names)
        yield Path(folder)
        for name in sorted(files):
            yield Path(folder, name)


def _add(tar: tarfile.TarFile, path: Path) -> int:
    """Add one member with the header that Docker would write; gives how many were added.

    None for a socket or device, nor for what has gone since it was chosen: others may work on this machine.
    """
    try:
        about = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
    except FileNotFoundError:
        return 0
    info = tarfile.TarInfo(str(path).lstrip("/"))
    info.mode, info.mtime = stat.S_IMODE(about.st_mode), int(about.st_mtime)
    if stat.S_ISLNK(about.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif stat.S_ISDIR(about.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISREG(about.st_mode):
        info.size = len(content)
    else:
        return 0
    tar.format = _format(info)
    tar.addfile(info, io.BytesIO(content))
    return 1


def _format(info: tarfile.TarInfo) -> int:
    """As Go writes headers: ustar wherever it will do; ``tarfile`` would write pax for every long name."""
    try:
        info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        return tarfile.PAX_FORMAT
    return tarfile.USTAR_FORMAT


class _Hashed:
    """A file to write to that knows the digest and number of bytes so far."""

    def __init__(self, file: io.BufferedIOBase | gzip.GzipFile | _Hashed) -> None:
        self.count = 0
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.count += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is kept here."""

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _write_image(tar: tarfile.TarFile, shape: str, blobs: list[Blob], form: str) -> None:
    """Write what ``docker save`` has written since version 25: an OCI layout with a ``manifest.json`` beside it."""
    put = partial(_put, tar)
    media_type = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if form == "gzip" else "")
    layers = [_descriptor(media_type, blob.digest, blob.path.stat().st_size) for blob in blobs]
    for digest, path in {blob.digest: blob.path for blob in blobs}.items():
        info = tarfile.TarInfo(_place(digest))
        info.size = path.stat().st_size
        with path.open("rb") as file:
            tar.addfile(info, file)
    config = put(_config(blobs), "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    named = put(manifest | {"config": config, "layers": layers}, manifest["mediaType"])
    named["annotations"] = {"io.containerd.image.name": f"docker.io/library/{shape}:latest"}
    put({"schemaVersion": 2, "manifests": [named]}, name="index.json")
    docker = {"Config": _place(config["digest"]), "RepoTags": [f"{shape}:latest"]}
    put([docker | {"Layers": [_place(blob.digest) for blob in blobs]}], name="manifest.json")
    put({"imageLayoutVersion": "1.0.0"}, name="oci-layout")


def _config(blobs: list[Blob]) -> dict[str, object]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"], "Cmd": ["python3"]},
        "rootfs": {"type": "layers", "diff_ids": [blob.diff_id for blob in blobs]},
        "history": [{"created_by": blob.created_by} for blob in blobs],
    }


def _put(tar: tarfile.TarFile, document: object, media_type: str = "", name: str | None = None) -> dict[str, object]:
    content = json.dumps(document).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    info = tarfile.TarInfo(name or _place(digest))
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
    return _descriptor(media_type, digest, len(content))


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _place(digest: object) -> str:
    return f"blobs/{str(digest).replace(':', '/')}"


if __name__ == "__main__":
    build()
