"""The distribution protocol, reading half: manifests by name, blobs by digest, everything of one repository.

Knows nothing of platforms or images. Manifests and small blobs are verified here; large blobs by whoever reads them.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from imgscan.errors import (
    AccessDeniedError,
    BlobAbsentError,
    ImageFormatError,
    ImageNotFoundError,
    ImgscanError,
    LimitExceededError,
    UnreachableError,
)
from imgscan.image import wire
from imgscan.sources import credentials
from imgscan.sources.registry import schema1
from imgscan.sources.registry.auth import Login
from imgscan.sources.registry.blob import BEYOND_THE_END, PARTIAL, BlobReader
from imgscan.sources.registry.transport import Answer, CutError, Transport
from imgscan.streams import digest as digests
from imgscan.streams.limits import KIB, MAX_JSON_BYTES

if TYPE_CHECKING:
    from imgscan.image.reference import Reference
    from imgscan.model.values import Digest, Notice
    from imgscan.sources.base import Access
    from imgscan.sources.registry.patience import Patience

HUB_API: Final = "registry-1.docker.io"
"""Where the registry that people call docker.io answers."""

ACCEPT: Final = ", ".join(
    sorted(wire.INDEX_TYPES | wire.MANIFEST_TYPES | {wire.DOCKER_SCHEMA1, wire.DOCKER_SCHEMA1_SIGNED})
)
"""All of them: what is missing here makes a registry convert the image, or deny that it is there."""

OK: Final = 200
UNAUTHORIZED: Final = 401

MAX_LOGINS: Final = 3
"""Requests per document with new proof: none, the first token, and one more if that ended meanwhile."""


Kind = type[wire.Index] | type[wire.Manifest] | type[schema1.Schema1]

KINDS: Final[dict[str, Kind]] = {
    "manifests": wire.Index,
    "layers": wire.Manifest,
    "config": wire.Manifest,
    "fsLayers": schema1.Schema1,
}
"""The field that each kind of manifest has and no other."""


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index, verified; of schema 1 the signed payload without its signatures."""

    body: bytes
    digest: Digest
    kind: Kind


class Client:
    """One repository of one registry; usable from several threads."""

    def __init__(self, reference: Reference, access: Access, patience: Patience) -> None:
        self.notices: list[Notice] = []
        self._reference = reference
        self._access = access
        self._patience = patience
        host = HUB_API if reference.registry in credentials.HUB_NAMES else reference.registry
        self._transport = Transport(host, access, patience)
        self._login = Login(self._transport, reference.registry, reference.repository, self._credentials)
        self._start = ""

    def connect(self) -> None:
        """Find the registry. Raises ``UnreachableError``."""
        self._start = f"{self._transport.settle()}/v2/{self._reference.repository}"

    def close(self) -> None:
        """End every wait and drop idle connections."""
        self._transport.close()

    def manifest(self, name: str, *, missing: type[ImgscanError] = ImageNotFoundError) -> Document:
        """The manifest or index of a tag or a digest, which the caller has checked; ``missing`` if there is none.

        Raises:
            DigestMismatchError: it is not the one that was asked for, or that the registry says it is.
            ImageFormatError: it is no manifest.
            SourceError: and its kinds: it cannot be had.
        """
        body, said = self._document(name, missing)
        kind = _kind(body)
        payload = schema1.payload(body) if kind is schema1.Schema1 else body
        named = [digests.parse(text) for text in (name, said) if text and ":" in text]
        for digest in named:
            digests.verify(payload, digest, what=f"manifest {name}")
        return Document(payload, named[0] if named else digests.of(payload), kind)

    def blob(self, digest: str, size_bytes: int | None) -> BlobReader:
        """A blob as a stream, not verified.

        Raises:
            BlobAbsentError: the registry does not have it.
            SourceError: and its kinds: it cannot be had.
        """
        return BlobReader(
            partial(self._blob_from, digests.parse(digest)),
            self._transport.rest,
            self._patience,
            size_bytes=size_bytes,
            where=f"{self._reference.name}@{digest}",
        )

    def small_blob(self, entry: wire.Descriptor, limit_bytes: int) -> bytes:
        """The content of a config or attestation, verified.

        Raises:
            LimitExceededError: it is larger than ``limit_bytes``.
            DigestMismatchError: it is something else.
            BlobAbsentError: the registry does not have it.
        """
        data = bytearray()
        with closing(self.blob(entry.digest, entry.size)) as reader:
            while block := reader.read(256 * KIB):
                data += block
                if len(data) > limit_bytes:
                    raise LimitExceededError(f"blob {entry.digest} has more than {limit_bytes} bytes")
        digests.verify(bytes(data), digests.parse(entry.digest), what="a blob")
        return bytes(data)

    def has_blob(self, digest: str) -> bool:
        """Whether the registry would give out a blob."""
        with closing(self._get("HEAD", f"blobs/{digests.parse(digest)}", {})) as answer:
            return answer.status == OK

    def _credentials(self) -> credentials.Credentials | None:
        found, notices = credentials.find(self._reference.registry, self._reference.repository, self._access)
        self.notices.extend(notices)
        return found

    def _document(self, name: str, missing: type[ImgscanError]) -> tuple[bytes, str | None]:
        """A manifest as it came, and the digest that the registry says it has."""
        for attempt in range(self._patience.attempts):
            answer = self._get("GET", f"manifests/{name}", {"Accept": ACCEPT})
            if answer.status != OK:
                raise self._login.refusal(answer, f"manifest {name}", missing=missing)
            try:
                return answer.read_all(MAX_JSON_BYTES), answer.header("Docker-Content-Digest")
            except CutError:
                self._transport.rest(attempt)
        raise UnreachableError(f"manifest {name} broke off again and again", where=self._reference.name)

    def _blob_from(self, digest: Digest, offset: int) -> Answer:
        answer = self._get("GET", f"blobs/{digest}", {"Range": f"bytes={offset}-"} if offset else {})
        if answer.status == OK or (offset and answer.status in (PARTIAL, BEYOND_THE_END)):
            return answer
        raise self._login.refusal(answer, f"blob {digest}", missing=BlobAbsentError)

    def _get(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """One request of the protocol; proof is only given after the registry itself asked for it."""
        for _ in range(MAX_LOGINS):
            sent = self._login.header()
            proof = {"Authorization": sent} if sent else {}
            answer = self._transport.request(method, f"{self._start}/{path}", {**headers, **proof})
            with ExitStack() as stack:
                stack.callback(answer.close)
                if answer.status != UNAUTHORIZED or not answer.at_home or not self._login.answer(answer, sent):
                    stack.pop_all()
                    return answer
        raise AccessDeniedError("the registry takes none of the tokens given out for it", where=self._reference.name)


def _kind(body: bytes) -> Kind:
    """What a manifest is by what is in it, not by what the registry says it is.

    Raises:
        ImageFormatError: it is none, or several at once, so that readers would not agree on what it means.
    """
    fields = wire.decode(body, dict[str, msgspec.Raw], what="the manifest")
    there = {name for name, value in fields.items() if bytes(value) != b"null"}
    kinds = {kind for name, kind in KINDS.items() if name in there}
    if len(kinds) != 1:
        raise ImageFormatError("the manifest is ambiguous" if kinds else "the registry's answer is no manifest")
    return kinds.pop()
