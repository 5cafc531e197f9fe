"""Dockerfiles put together from parts keep their lines, and no bytes break the parser."""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgscan.image.dockerfile import MAX_DOCKERFILE_BYTES, parse
from imgscan.image.dockerfile_match import attach
from imgscan.image.history import Instruction
from tests.fuzz import fuzz_dockerfile

WORDS: Final = st.text("abcxyz$/.=-_", min_size=1, max_size=8)
KEYWORDS: Final = st.sampled_from(["RUN", "run", "COPY", "ENV", "LABEL", "CMD", "USER"])
NOISE: Final = st.lists(st.sampled_from(["", "# note", "  # note \\", "\t"]), max_size=2)
FRAGMENTS: Final = st.sampled_from(
    [
        "FROM a AS b\n",
        "FROM b\n",
        "COPY --from=b ",
        "COPY --from=0 ",
        "RUN <<A <<-'B'\n",
        "A\n",
        "\tB\n",
        "ENV A=",
        "\\\n",
        "# escape=`\n",
        "`\n",
        '["a",',
        '"]',
        "'",
        '"',
        "\\",
        " ",
        "\n",
        "\r\n",
        "$A",
        "${",
        "<<",
        "ONBUILD ",
        "WORKDIR x\n",
    ]
)


@st.composite
def instructions(draw: st.DrawFn) -> tuple[list[str], str]:
    """Lines of one instruction as in a file, and the words it has."""
    keyword, first = draw(KEYWORDS), draw(st.lists(WORDS, min_size=1, max_size=4))
    lines, words = [f"{keyword} {' '.join(first)}"], first
    for more in draw(st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=3)):
        lines[-1] += " \\"
        lines += [*draw(NOISE), f"  {' '.join(more)}"]
        words = words + more
    return lines, " ".join([keyword.upper(), *words])


@given(st.lists(st.tuples(NOISE, instructions()), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_each_instruction_stands_on_the_lines_it_was_written_on(parts, newline):
    lines, expected = ["FROM base"], []
    for noise, (written, words) in parts:
        lines += noise
        expected.append((len(lines) + 1, len(lines) + len(written), words))
        lines += written
    steps = parse(newline.join(lines), "f").steps[1:]
    found = [(step.start_line, step.end_line, " ".join([step.keyword, *step.text.split()[1:]])) for step in steps]
    assert found == expected


@given(st.lists(st.sampled_from(["RUN a", "RUN b", "USER 1", "COPY a /"]), min_size=1, max_size=8), st.data())
def test_a_history_with_gaps_never_gets_a_wrong_line(steps, data):
    kept = data.draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    dockerfile = parse("FROM x\n" + "\n".join(steps), "f")
    texts = [text for text, keep in zip(steps, kept, strict=True) if keep]
    found, _ = attach([Instruction(at, text.split()[0], text) for at, text in enumerate(texts)], dockerfile)
    for item in found:
        assert item.dockerfile is None or steps[item.dockerfile.start_line - 2] == item.text
    if all(kept):
        assert [item.dockerfile and item.dockerfile.start_line for item in found] == list(range(2, len(steps) + 2))


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=40))
def test_fragments_in_any_order_do_no_harm(fragments):
    fuzz_dockerfile.check("".join(fragments).encode(errors="replace"))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_do_no_harm(data):
    fuzz_dockerfile.check(b"FROM a\nRUN " + data)
    fuzz_dockerfile.check(data)


@pytest.mark.parametrize(
    "unit",
    [
        "RUN <<A\n",
        "<<A ",
        "\\",
        "\"'\\",
        "'\\'\"",
        "'\\'\\\"",
        "RUN a \\\n",
        "#\n",
        "FROM a AS a\n",
        "COPY --from=a ",
        "[",
        "$",
    ],
)
def test_hostile_repetition_takes_linear_time(unit):
    text = f"FROM a\nRUN {unit * MAX_DOCKERFILE_BYTES}"[:MAX_DOCKERFILE_BYTES]
    started = time.process_time()
    parse(text, "f")
    assert time.process_time() - started < 10  # measured: at most 1.3 s; quadratic time would be minutes
