"""One layer, as it comes: codecs, digests, damage, budgets, wide text, headers and what lies behind the archive."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import random
import resource
import tarfile
import weakref

import msgspec
import pytest
from backports import zstd

from imgscan.errors import BlobAbsentError, ImgscanError, UnreachableError
from imgscan.match.detector import Detector
from imgscan.model.values import Digest, LayerStatus
from imgscan.rules.load import RuleSet
from imgscan.scan.layer import scan_layer
from imgscan.scan.workers import Workers
from imgscan.sources.base import LayerBlob
from imgscan.streams import budget, digest, limits
from tests.support.layers import BLOCK, DETECTOR, TOKEN, scan_bytes, tar

SECRET = b"tok_abcdefgh01234567"
LAYER = tar({"app/": b"", "app/.env": b"first\nkey=" + SECRET + b"\n", "other": b"nothing"})


def places(scan):
    return [(item.name, item.match.line, item.match.column) for item in scan.matches]


def codes(scan):
    return [(notice.code, notice.incomplete) for notice in scan.notices]


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, zstd.compress, lzma.compress, bz2.compress],
    ids=["plain", "gzip", "zstd", "xz", "bzip2"],
)
def test_a_layer_is_read_whatever_its_codec_and_both_digests_are_told(pack):
    stored = pack(LAYER)
    scan = scan_bytes(stored, digest=digest.of(stored))
    assert places(scan) == [(b"app/.env", 2, 5)]
    assert (scan.digest, scan.diff_id) == (digest.of(stored), digest.of(LAYER))
    assert (scan.size_bytes, scan.uncompressed_bytes, scan.files) == (len(stored), len(LAYER), 2)
    assert (scan.status, scan.notices) == (LayerStatus.SCANNED, ())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_wrong_digest_is_told_and_findings_are_kept(pack):
    scan = scan_bytes(pack(LAYER), digest=Digest("sha256:" + "0" * 64))
    assert codes(scan) == [("digest-mismatch", True)]
    assert places(scan)


def test_a_sha512_digest_is_verified():
    good = Digest("sha512:" + hashlib.sha512(LAYER).hexdigest())
    assert scan_bytes(LAYER, digest=good).notices == ()
    assert codes(scan_bytes(LAYER, digest=Digest("sha512:" + "0" * 128))) == [("digest-mismatch", True)]


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_corrupt_data_is_told_and_what_came_before_is_kept(pack):
    big = tar({".env": SECRET, "noise": random.Random(1).randbytes(500_000)})
    stored = pack(big[:200_000]) + pack(big[200_000:])[:-9]
    scan = scan_bytes(stored)
    assert (scan.status, codes(scan)) == (LayerStatus.UNREADABLE, [("unreadable-layer", True)])
    assert places(scan) == [(b".env", 1, 1)]
    assert scan.diff_id is None


def test_a_truncated_archive_is_told():
    scan = scan_bytes(tar({".env": SECRET, "big": bytes(50_000)})[:20_000])
    assert codes(scan) == [("damaged-tar", True)]
    assert places(scan)


def test_a_damaged_header_is_told_and_the_rest_is_scanned_all_the_same():
    layer = bytearray(tar({"a": b"x", "b": SECRET}))
    layer[1024 + 148] ^= 1
    scan = scan_bytes(bytes(layer))
    assert codes(scan) == [("damaged-tar", True)]
    assert [item.name for item in scan.matches] == [b""]


def test_what_is_no_archive_is_scanned_as_one_file():
    scan = scan_bytes(b"just text with " + SECRET + b" in it" * 200)
    assert codes(scan) == [("not-a-tar", False)]
    assert len(scan.matches) == 1


def test_an_empty_layer_is_fine():
    assert scan_bytes(b"").notices == ()
    assert scan_bytes(bytes(1024)).notices == ()
    assert scan_bytes(gzip.compress(bytes(10240))).files == 0


def test_bytes_behind_the_archive_are_scanned_and_told():
    scan = scan_bytes(LAYER + b"more " + SECRET)
    assert codes(scan) == [("trailing-bytes", False)]
    assert [item.name for item in scan.matches] == [b"app/.env", b""]


def test_the_table_of_estargz_behind_the_archive_is_nothing_to_tell():
    assert scan_bytes(LAYER + tar({"stargz.index.json": b"{}" * 400})).notices == ()


def test_garbage_behind_compressed_data_is_told():
    assert codes(scan_bytes(gzip.compress(LAYER) + b"garbage")) == [("trailing-bytes", True)]


def test_a_secret_in_a_header_names_the_file_it_belongs_to():
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("app/tool")
        info.pax_headers = {"SCHILY.xattr.user.note": SECRET.decode()}
        archive.addfile(info)
    (found,) = scan_bytes(output.getvalue()).matches
    assert (found.name, found.in_header, found.match.line) == (b"app/tool", True, None)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("lead", ["", "x" * 70_000 + "\n"])
def test_utf_16_text_is_read_with_lines_and_offsets(codec, lead):
    text = f"{lead}first line\nkey={SECRET.decode()}\n"
    scan = scan_bytes(tar({"wide.txt": text.encode(codec)}), block_bytes=16 * 1024)
    (found,) = scan.matches
    assert (found.match.line, found.match.column) == (3 if lead else 2, 5)
    assert found.match.decoded[0].startswith("utf-16-")
    mark = 2 if codec == "utf-16" else 0
    assert found.match.start == 2 * text.index("tok_") + mark


@pytest.mark.parametrize("text", ["acme{gap}{secret}", "{secret}{gap}acme"])
def test_a_keyword_that_is_far_from_a_secret_in_utf_16_is_seen_wherever_windows_end(text):
    detector = Detector(RuleSet.of([msgspec.structs.replace(BLOCK, keywords=("acme",))]), use_cache=False)
    written = text.format(gap=" " * 1000, secret=f"BEGIN-{'x' * 890}-END")
    for padding in range(0, 4096, 512):
        content = f"{'.' * padding}{written}{'.' * 4096}".encode("utf-16")
        assert scan_bytes(tar({"file": content}), detector=detector, block_bytes=4096).matches, padding


def test_a_file_that_ends_at_a_record_of_the_tar_ends_there_for_rules_that_ask():
    rule = msgspec.structs.replace(TOKEN, anchor=r"tok_[0-9a-z]{16}(?:\s|\z)")
    detector = Detector(RuleSet.of([rule]), use_cache=False)
    layer = tar({"a": b"-" * 492 + SECRET, "b": b"next", "c": b"-" * (5 * 512 - 20) + SECRET, "d": b""})
    for block_bytes in (1024, 64 * 1024):
        scan = scan_bytes(layer, detector=detector, block_bytes=block_bytes)
        assert {item.name for item in scan.matches} == {b"a", b"c"}


def test_lines_of_a_file_that_spans_many_windows_are_right():
    lines = b"".join(b"line %d\n" % number for number in range(40_000))
    scan = scan_bytes(tar({"big.log": lines + b"  " + SECRET + b"\n"}), block_bytes=8 * 1024)
    assert places(scan) == [(b"big.log", 40_001, 3)]


def test_the_column_in_one_endless_line_is_right():
    scan = scan_bytes(tar({"min.js": b"x;" * 300_000 + SECRET}), block_bytes=8 * 1024)
    assert places(scan) == [(b"min.js", 1, 600_001)]


def test_a_million_empty_members_fit(monkeypatch):
    layer = b"".join(tar({f"dir/{number}": b""})[:512] for number in range(3000))
    assert scan_bytes(layer + bytes(1024)).files == 3000
    monkeypatch.setattr("imgscan.streams.tar.MAX_MEMBERS", 2000)
    scan = scan_bytes(layer + bytes(1024))
    assert (scan.status, codes(scan)) == (LayerStatus.UNREADABLE, [("unreadable-layer", True)])


@pytest.mark.parametrize("bounds", [{"grace_bytes": limits.MIB, "max_ratio": 50}, {"max_bytes": limits.MIB}])
def test_a_layer_that_unpacks_to_too_much_is_cut(monkeypatch, bounds):
    bomb = gzip.compress(LAYER + bytes(8 * limits.MIB))
    monkeypatch.setattr("imgscan.scan.layer.Budget", lambda stored: budget.Budget(stored, **bounds))
    scan = scan_bytes(bomb)
    assert (scan.status, codes(scan)) == (LayerStatus.UNREADABLE, [("unreadable-layer", True)])
    assert scan.uncompressed_bytes < 3 * limits.MIB
    assert places(scan) == [(b"app/.env", 2, 5)]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BlobAbsentError("is not there"), LayerStatus.ABSENT, "absent-layer"),
        (UnreachableError("no answer"), LayerStatus.UNREADABLE, "unreadable-layer"),
    ],
)
def test_a_blob_that_cannot_be_had_is_a_notice(error: ImgscanError, status, code):
    def refuse():
        raise error

    workers = Workers(DETECTOR, jobs=1)
    scan = scan_layer(LayerBlob("layer", None, None, refuse), workers, lambda _: None)
    workers.close()
    assert (scan.status, codes(scan)) == (status, [(code, True)])


def test_matches_beyond_measure_are_cut_and_told(monkeypatch):
    monkeypatch.setattr("imgscan.scan.layer.MAX_MATCHES", 10)
    scan = scan_bytes(tar({str(number): SECRET for number in range(30)}))
    assert (len(scan.matches), codes(scan)) == (10, [("too-many-matches", False)])


def test_what_windows_found_is_not_kept_until_the_end(monkeypatch):
    examine, results, most = Workers.examine, [], 0

    def watched(workers, window, hashed):
        nonlocal most
        future = examine(workers, window, hashed)
        results.append(weakref.ref(future))
        most = max(most, sum(result() is not None for result in results))
        return future

    monkeypatch.setattr(Workers, "examine", watched)
    monkeypatch.setattr("imgscan.scan.layer.MAX_MATCHES", 7)
    scan = scan_bytes(tar({"list": (SECRET + b"\n") * 10_000}), block_bytes=4 * 1024)
    assert len(results) > 40
    assert most < 12  # the windows that there are at a time, and what threads hold
    assert len(scan.matches) == 7


def test_memory_does_not_grow_with_the_layer():
    class Endless:
        """A layer of 1 GiB of zeros in one file, made while it is read."""

        left = limits.GIB
        head = tar({"zeros": b""})[:512]

        def read(self, size):
            part, self.head = self.head[:size], self.head[size:]
            if part:
                return part
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

        def close(self):
            pass

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = Workers(DETECTOR, jobs=2)
    scan = scan_layer(LayerBlob("layer", None, None, Endless), workers, lambda _: None)
    workers.close()
    assert scan.uncompressed_bytes > limits.GIB
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * limits.KIB < 64 * limits.MIB
