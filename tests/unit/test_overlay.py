"""What later layers do to a path, told from their names alone."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.errors import LimitExceededError
from imgscan.image.overlay import MAX_LINK_BYTES, Overlay, PathIndex, normalize
from imgscan.model.values import EventKind, State

ADDED, CHANGED, DELETED = EventKind.ADDED, EventKind.CHANGED, EventKind.DELETED


def index(*names, links=()):
    paths = PathIndex()
    for name in names:
        paths.add(name.rstrip("/").encode(), directory=name.endswith("/"))
    for link, target in links:
        paths.add_link(link.encode(), target.encode())
    return paths


def life(path, holders, *layers):
    told = Overlay(layers, [path.encode()]).life(path.encode(), holders)
    return [(event.kind, event.layer) for event in told.story], told.state


def test_a_file_that_nobody_touches_is_present():
    assert life("app/.env", [0], index("app/", "app/.env"), index("other")) == ([(ADDED, 0)], State.PRESENT)


@pytest.mark.parametrize(
    ("later", "kind", "state"),
    [
        (["app/.wh..env"], DELETED, State.DELETED),
        (["app/.env"], CHANGED, State.OVERWRITTEN),
        ([".wh.app"], DELETED, State.DELETED),
        (["app/.wh..wh..opq"], DELETED, State.DELETED),
        ([".wh..wh..opq"], DELETED, State.DELETED),
        (["app"], DELETED, State.DELETED),  # a file in place of the directory
        (["app/.env/"], DELETED, State.DELETED),  # a directory in place of the file
        (["app/", "app/.wh..wh..opq", "app/.env"], CHANGED, State.OVERWRITTEN),
    ],
)
def test_a_later_layer_ends_a_file(later, kind, state):
    assert life("app/.env", [0], index("app/.env"), index(*later)) == ([(ADDED, 0), (kind, 1)], state)


@pytest.mark.parametrize(
    "later", [["app/"], ["app2/.wh..env"], [".wh..env"], ["app/.wh.env"], ["b/.wh.app"], ["app/.env.old"]]
)
def test_a_later_layer_that_only_looks_alike_does_nothing(later):
    assert life("app/.env", [0], index("app/.env"), index(*later)) == ([(ADDED, 0)], State.PRESENT)


def test_a_secret_that_comes_back_is_present_again():
    layers = index("a"), index(".wh.a"), index("a")
    assert life("a", [0, 2], *layers) == ([(ADDED, 0), (DELETED, 1), (ADDED, 2)], State.PRESENT)


def test_a_file_that_comes_back_without_the_secret_is_overwritten():
    layers = index("a"), index(".wh.a"), index("a")
    assert life("a", [0], *layers) == ([(ADDED, 0), (DELETED, 1), (ADDED, 2)], State.OVERWRITTEN)


def test_the_same_secret_in_a_later_layer_is_a_change_and_still_present():
    assert life("a", [0, 1], index("a"), index("a")) == ([(ADDED, 0), (CHANGED, 1)], State.PRESENT)


def test_a_layer_that_could_not_be_read_tells_nothing():
    assert life("a", [0], index("a"), None, index(".wh.a")) == ([(ADDED, 0), (DELETED, 2)], State.DELETED)


def test_a_hard_link_keeps_a_deleted_file_present():
    first = index("a", links=[("b", "a")])
    assert life("a", [0], first, index(".wh.a")) == ([(ADDED, 0), (DELETED, 1)], State.PRESENT)
    assert life("a", [0], first, index(".wh.a", ".wh.b"))[1] is State.DELETED


def test_deleting_twice_is_told_once():
    assert life("a/b", [0], index("a/b"), index("a/.wh.b"), index(".wh.a"))[0] == [(ADDED, 0), (DELETED, 1)]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"./app/x", b"app/x"),
        (b"/etc/x", b"etc/x"),
        (b"a//b/./c/", b"a/b/c"),
        (b"../../etc/x", b"etc/x"),
        (b"a/../b", b"b"),
        (b".", b""),
        (b"./", b""),
        (b".hidden", b".hidden"),
        (b"a/.hidden", b"a/.hidden"),
        (b"..data/x", b"..data/x"),
        (b"\xff\n", b"\xff\n"),
    ],
)
def test_names_become_paths(name, path):
    assert normalize(name) == path


@given(st.binary(max_size=40))
def test_a_path_is_its_own_path_and_never_leads_out(name):
    path = normalize(name)
    assert normalize(path) == path
    assert not path.startswith(b"/")
    assert b".." not in path.split(b"/")


def test_a_path_of_many_levels_costs_no_memory_and_is_not_lost():
    path = b"/".join([b"a"] * 30_000)
    layer = PathIndex()
    layer.add(path, directory=False)
    tracemalloc.start()
    try:
        told = Overlay([layer, index(".wh.a"), layer], [path]).life(path, [0])
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert [event.kind for event in told.story] == [ADDED, DELETED, ADDED]


def test_deep_paths_and_many_links_below_many_layers_are_told_in_time():
    path = "/".join(["deep"] * 200)
    links = [(f"{path}/{number}", path) for number in range(200)]
    layers = [
        index(path, links=links),
        *(index("deep/", f"other{number}") for number in range(500)),
        index(".wh..wh..opq"),
    ]
    started = time.process_time()
    assert life(path, [0], *layers)[1] is State.DELETED
    assert time.process_time() - started < 2


def test_the_names_of_hard_links_are_kept_up_to_a_bound():
    paths = PathIndex()
    name = bytes(MAX_LINK_BYTES // 4)
    for _ in range(3):
        paths.add_link(name, b"target")
    with pytest.raises(LimitExceededError, match="hard links"):
        paths.add_link(name, b"target")
