"""What later layers do to a path: whiteouts, opaque directories, replacement.

A layer is remembered as the keyed hashes of its member names, 9 bytes each, however many there are; whiteouts are names
like any other. That is all that is needed to tell the story of the few paths that matter. Layers are never unpacked on
top of each other, and two names with one hash (2⁻⁶⁴) would at worst tell a wrong story, never hide a finding.

Format: OCI image specification, "Image Layer Filesystem Changeset".
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from imgscan.errors import LimitExceededError
from imgscan.model.values import EventKind, State
from imgscan.streams.limits import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

MAX_LINK_BYTES: Final = 32 * MIB
"""Hard links of one layer, which are kept by name; images of ostree have some ten thousand in a layer."""

LINK_BYTES: Final = 128
"""What Python adds to each of these names."""

MAX_PARENTS: Final = 256
"""Directories above a path that are looked at, from the root on. A path that has more cannot be told to be gone."""

WHITEOUT: Final = b".wh."
OPAQUE: Final = b".wh..wh..opq"


class Event(NamedTuple):
    """Something that a layer did to a path."""

    kind: EventKind
    layer: int


@dataclass(frozen=True, slots=True)
class Life:
    """The story of a path from the layers that hold a secret there to the last layer, and how it ends."""

    story: tuple[Event, ...]
    state: State


class PathIndex:
    """The names of one layer, in order."""

    __slots__ = ("_hashes", "_kinds", "_left_bytes", "_links")

    def __init__(self) -> None:
        self._hashes = array("q")
        self._kinds = bytearray()
        self._links: dict[int, list[bytes]] = {}
        self._left_bytes = MAX_LINK_BYTES

    def add(self, path: bytes, *, directory: bool) -> None:
        """Take in a normalized name."""
        self._hashes.append(hash(path))
        self._kinds.append(directory)

    def add_link(self, path: bytes, target: bytes) -> None:
        """Take in a hard link: a second name for what ``target`` names in the same layer.

        Raises:
            LimitExceededError: there are too many.
        """
        self.add(path, directory=False)
        self._left_bytes -= LINK_BYTES + len(path)
        if self._left_bytes < 0:
            raise LimitExceededError(f"the hard links of the layer take more than {MAX_LINK_BYTES} bytes")
        self._links.setdefault(hash(target), []).append(path)

    def names_of(self, path: bytes) -> list[bytes]:
        """The name itself and its hard links in this layer."""
        return [path, *self._links.get(hash(path), ())]

    def find(self, wanted: AbstractSet[int]) -> dict[int, bool]:
        """Which of the names with these hashes are here, and whether as a directory."""
        known = zip(self._hashes, self._kinds, strict=True)
        return {hashed: bool(directory) for hashed, directory in known if hashed in wanted}


def normalize(name: bytes) -> bytes:
    """A member name as a path from the root of the image, without the leading slash.

    ``./a``, ``/a``, ``a//b`` and ``x/../a`` name what a runtime would make of them; nothing leads above the root.
    """
    if name.startswith(b"./"):
        name = name[2:]
    if name.endswith(b"/"):
        name = name[:-1]
    if not name.startswith((b"/", b".")) and b"//" not in name and b"/." not in name:
        return name
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return b"/".join(parts)


class Overlay:
    """The layers of one image, from bottom to top (``None`` for one that could not be read), and the paths that matter.

    Each layer is gone through once, whatever the number of paths.
    """

    def __init__(self, layers: Sequence[PathIndex | None], paths: Iterable[bytes]) -> None:
        self._layers = layers
        own = set(paths)
        linked = {name for index in layers if index is not None for path in own for name in index.names_of(path)}
        relevant = set[int]().union(*(_Traces.of(path).all for path in own | linked))
        self._found = [index.find(relevant) if index is not None else {} for index in layers]

    def life(self, path: bytes, holders: Sequence[int]) -> Life:
        """The life of ``path``, given the layers (ascending) in which it holds the secret."""
        traces = _Traces.of(path)
        story = [Event(EventKind.ADDED, holders[0])]
        state = State.PRESENT
        for layer in range(holders[0] + 1, len(self._layers)):
            if layer in holders:
                kind = EventKind.ADDED if state is State.DELETED else EventKind.CHANGED
                story.append(Event(kind, layer))
                state = State.PRESENT
            elif change := traces.change(self._found[layer]):
                if change is EventKind.CHANGED and state is State.DELETED:
                    change = EventKind.ADDED
                if change is EventKind.DELETED and state is State.DELETED:
                    continue  # not skipped: gone already
                story.append(Event(change, layer))
                state = State.DELETED if change is EventKind.DELETED else State.OVERWRITTEN
        return Life(tuple(story), self._with_links(path, holders[-1], state))

    def _with_links(self, path: bytes, holder: int, state: State) -> State:
        """A file whose name is gone is still there under a hard link that is not."""
        index = self._layers[holder]
        if state is State.PRESENT or index is None:
            return state
        later = [found for found in self._found[holder + 1 :] if found]
        for other in map(_Traces.of, index.names_of(path)[1:]):
            if not any(map(other.change, later)):
                return State.PRESENT
        return state


@dataclass(frozen=True, slots=True)
class _Traces:
    """The hashes of every name in a layer that has a bearing on a path; ``gone`` are those of whiteouts."""

    own: int
    parents: frozenset[int]
    gone: frozenset[int]

    @classmethod
    def of(cls, path: bytes) -> Self:
        parents = list(_parents(path))
        whiteouts = map(_whiteout, (path, *parents))
        opaque = map(_opaque, (b"", *parents))
        return cls(hash(path), frozenset(map(hash, parents)), frozenset(map(hash, (*whiteouts, *opaque))))

    @property
    def all(self) -> frozenset[int]:
        return self.parents | self.gone | {self.own}

    def change(self, found: dict[int, bool]) -> EventKind | None:
        """What a layer in which these names were ``found`` does to the path of a lower one."""
        names = found.keys()
        if self.own in names:
            is_directory = found[self.own]  # which takes the place of the file
            return EventKind.DELETED if is_directory else EventKind.CHANGED
        replaced = any(not found[parent] for parent in names & self.parents)
        return EventKind.DELETED if replaced or not names.isdisjoint(self.gone) else None


def _parents(path: bytes) -> Iterator[bytes]:
    end = path.find(b"/")
    for _ in range(MAX_PARENTS):
        if end < 0:
            return
        yield path[:end]
        end = path.find(b"/", end + 1)


def _whiteout(path: bytes) -> bytes:
    folder, slash, name = path.rpartition(b"/")
    return folder + slash + WHITEOUT + name


def _opaque(folder: bytes) -> bytes:
    return folder + b"/" + OPAQUE if folder else OPAQUE
