"""The budgets of one scan: every number that bounds what a hostile image can cost us.

Knows nothing of who spends them. Exceeding one raises ``LimitExceededError`` or becomes a notice; it never passes in
silence.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

BLOCK_BYTES: Final = 4 * MIB
"""Size of one piece of a layer on its way to the matcher. A multiple of 512, so that no tar header is ever split."""

MAX_JSON_BYTES: Final = 32 * MIB
"""Manifests, indexes and configs. Registries cap manifests at 4 MiB; configs of real images stay below 1 MiB."""

MAX_ATTESTATION_BYTES: Final = 40 * MIB
"""BuildKit caps the attestation file of a frontend at 40 MiB."""

MAX_JSON_DEPTH: Final = 128
"""Nesting of untrusted JSON; the deepest real document (BuildKit provenance) has about 20."""

MAX_JSON_VALUES: Final = 500_000
"""Values of one untrusted document. Real ones have some thousands; each takes up to some hundred bytes of memory."""

MAX_INDEX_DEPTH: Final = 4
"""Indexes within indexes; containerd-store saves have 2."""

MAX_INDEX_ENTRIES: Final = 4096
"""Manifests reached from one index; the largest real multi-platform indexes have some dozens."""

MAX_LAYERS: Final = 1024
"""Layers of one image; engines stop at 127 (overlay2)."""

MAX_LAYER_BYTES: Final = 128 * GIB
"""Uncompressed bytes of one layer."""

MAX_RATIO: Final = 2000
"""Uncompressed to compressed. gzip cannot exceed 1032; zstd can, and zero-filled layers with it."""

RATIO_GRACE_BYTES: Final = 64 * MIB
"""Below this many uncompressed bytes no ratio is held against a layer: tiny layers of zeros are common."""

MAX_MEMBERS: Final = 4_000_000
"""Members of one layer; distribution images have up to 120,000."""

MAX_FRAMES: Final = 4_000_000
"""Members or frames of one compressed stream, each of which costs 30 microseconds to begin. eStargz has two a file."""

MAX_NAME_BYTES: Final = 64 * KIB
"""Name of one member, by GNU long name or pax; Linux stops at 4,096."""

MAX_HEADER_BYTES: Final = 1 * MIB
"""One pax or GNU header payload; extended attributes of real images stay below 64 KiB."""
