import re

from hypothesis import example, given
from hypothesis import strategies as st

from imgscan.image.history import align, setters
from imgscan.image.reference import Reference, parse
from imgscan.image.wire import HistoryEntry, ImageConfig
from imgscan.model.values import Digest
from tests.fuzz import fuzz_history, fuzz_reference

PART = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
REGISTRY = st.sampled_from(
    ["docker.io", "ghcr.io", "localhost", "localhost:5000", "a-b.c:443", "[::1]", "[2001:db8::1]:5000"]
)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
DIGEST = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True).map(Digest)

NAME = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
VALUE = st.text(st.sampled_from("ab1 /=-'\"|$"), max_size=12).filter(lambda text: "/bin/sh" not in text)
FRAGMENT = st.sampled_from(
    [
        *("/bin/sh -c ", "#(nop) ", "|2 ", " A=", "RUN ", "ENV ", "ARG A", "SHELL [", 'CMD ["', '" "', '"]', "COPY "),
        *("file:" + "0" * 64 + " in ", " # buildkit", "|force-mtime=1", "HEALTHCHECK &{[", "]}", "\\", "'", '"', "\n"),
        *("/bin/bash -o pipefail -c ", "\x1e", "\x1e-", "\x1ek", "\x1f", "merge sha256:", "Imported from -", "--a=b"),
    ]
)
NOISE = st.lists(FRAGMENT | st.text(max_size=5), max_size=20).map(lambda parts: "".join(parts).encode())


@st.composite
def references(draw):
    parts = draw(st.lists(PART, min_size=2, max_size=4))
    tag, digest = draw(st.tuples(TAG, st.none()) | st.tuples(st.none() | TAG, DIGEST))
    return Reference(draw(REGISTRY), "/".join(parts), tag, digest)


@given(references())
def test_a_reference_reads_back_from_either_of_its_texts(reference):
    assert parse(str(reference)) == parse(reference.familiar) == reference


@given(st.binary(max_size=300) | st.text(st.sampled_from("aA1.:/@[]-_ sha256\x1b"), max_size=60).map(str.encode))
@example(b"user:word@host/x@sha256:" + b"0" * 64)
def test_any_text_is_a_reference_or_a_clear_error(data):
    fuzz_reference.check(data)


@given(st.binary(max_size=300) | NOISE)
@example(b'CMD ["\\ud800\\U00110000\\xff\\377\\uzzzz"]')
@example(b"k\x1e-\x1f\x1ek-run\x1e#(nop)")
def test_any_history_is_read_entry_by_entry(data):
    fuzz_history.check(data)


@given(st.dictionaries(NAME, VALUE, min_size=1, max_size=4), st.text(st.sampled_from("ab =|'\"")))
def test_build_args_come_back_whatever_their_values(arguments, command):
    values = {name: re.sub(rf" (?:{'|'.join(arguments)})=", " ", value) for name, value in arguments.items()}
    declared = [HistoryEntry(created_by=f"ARG {name}", empty_layer=True) for name in values]
    pairs = " ".join(f"{name}={value}" for name, value in values.items())
    run = HistoryEntry(created_by=f"RUN |{len(values)} {pairs} /bin/sh -c true {command}")

    made = align(ImageConfig(history=(*declared, run)), 1).instructions[-1]

    assert made.arguments == values
    assert made.text == f"RUN true {command}".rstrip()


@given(st.dictionaries(NAME, st.text(st.sampled_from("ab =\\\"'$"), max_size=8), min_size=1, max_size=4))
def test_each_quoted_variable_of_a_line_finds_its_instruction(variables):
    quoted = {name: re.sub(r'(["\\])', r"\\\1", value) for name, value in variables.items()}
    text = "ENV " + " ".join(f'{name}="{value}"' for name, value in quoted.items())
    made = align(ImageConfig(history=(HistoryEntry(created_by=text, author="kaniko"),)), 1).instructions

    found = setters(made)
    assert all(found["ENV", name] is made[0] for name in variables)
