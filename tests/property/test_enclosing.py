"""The names around a value are the keys that lead to it, however a document is written, and whatever else it holds."""

from __future__ import annotations

import json
from itertools import zip_longest

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imgscan.match.enclosing import LEVELS, LOOK_BACK, MAX_WORDS, around, words

MARK = "THE VALUE"

keys = st.lists(st.sampled_from(["api", "b2", "cloud", "db", "eu", "prod", "west", "x"]), min_size=1, max_size=3).map(
    "_".join
)
leaves = st.one_of(st.integers(), st.booleans(), st.none(), keys)
trees = st.recursive(
    leaves, lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=6
)
paths = st.lists(keys, min_size=1, max_size=LEVELS + 1, unique=True)


def nested(path, siblings):
    """A document in which ``path`` leads to the value, with other things before it on every level."""
    value: object = MARK
    for name, before in zip_longest(reversed(path), siblings[: len(path)], fillvalue=()):
        others = {key: tree for key, tree in dict(before).items() if key not in path}
        value = {**others, name: value}
    return value


def in_yaml(tree, indent=0):
    lines = []
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            lines += [" " * indent + f"{key}:", *in_yaml(value, indent + 2)]
        else:
            lines.append(" " * indent + f"{key}: {value if value == MARK else json.dumps(value)}")
    return lines


def in_xml(tree):
    if not isinstance(tree, dict):
        return str(tree) if tree == MARK else "x"
    return "".join(f"<{key}>{in_xml(value)}</{key}>" for key, value in tree.items())


documents = st.tuples(paths, st.lists(st.dictionaries(keys, trees, max_size=2), max_size=LEVELS + 1))


def before_mark(text):
    before = text[: text.index(MARK)].encode()
    assume(len(before) < LOOK_BACK)
    return around(before)


@settings(max_examples=60)
@given(documents, st.sampled_from([None, 2, "\t"]))
def test_the_names_around_a_value_in_json_are_the_keys_that_lead_to_it(document, indent):
    path, siblings = document
    enclosure = before_mark(json.dumps(nested(path, siblings), indent=indent))
    expected = [words(name.encode()) for name in reversed(path[:-1])][:LEVELS]
    assert enclosure.own == words(path[-1].encode())
    assert not expected or tuple(expected) in enclosure.paths


@settings(max_examples=60)
@given(documents)
def test_the_names_around_a_value_in_yaml_are_the_keys_that_lead_to_it(document):
    path, siblings = document
    enclosure = before_mark("\n".join(in_yaml(nested(path, siblings))))
    expected = tuple(words(name.encode()) for name in reversed(path[:-1]))[:LEVELS]
    assert enclosure.own == words(path[-1].encode())
    assert not expected or expected in enclosure.paths


@settings(max_examples=60)
@given(documents)
def test_the_names_around_a_value_in_xml_are_the_elements_it_is_in(document):
    path, siblings = document
    enclosure = before_mark(in_xml(nested(path, siblings)))
    expected = tuple(words(name.encode()) for name in reversed(path[:-1]))[:LEVELS]
    assert not expected or expected in enclosure.paths


soup = st.lists(st.sampled_from(b"{ } [ ] ( ) < > </a> <b c='d'> \n # a - : = \" ' , ; acme [x] name:".split(b" ")))


@given(st.binary() | soup.map(b"".join), st.text(max_size=20))
def test_whatever_stands_before_a_value_gives_a_few_names_of_a_few_words(before, path):
    enclosure = around(before * 20, path)
    assert all(0 < len(one) <= LEVELS for one in enclosure.paths)
    for name in (enclosure.own, *enclosure.file, *(name for one in enclosure.paths for name in one)):
        assert len(name) <= MAX_WORDS
        assert all(word.isalnum() and word == word.lower() for word in name)


@given(soup.map(b"".join), st.binary(min_size=1, max_size=50))
def test_what_is_further_away_makes_no_difference(before, further):
    before = (b"x" + before) * (LOOK_BACK // (len(before) + 1) + 1)
    near = before[-LOOK_BACK:]
    assert around(further + near) == around(b"\n" + near)
