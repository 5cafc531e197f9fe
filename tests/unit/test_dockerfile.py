"""Dockerfiles as steps, stages and lines."""

from __future__ import annotations

from textwrap import dedent

import pytest

from imgscan.errors import ImageFormatError, LimitExceededError
from imgscan.image.dockerfile import MAX_DOCKERFILE_BYTES, Dockerfile, Heredoc, Step, parse
from imgscan.image.dockerfile_paths import source_of
from imgscan.image.history import DockerfileSpan


def read(text: str) -> Dockerfile:
    return parse(dedent(text).lstrip("\n"), "Dockerfile")


def step(text: str, keyword: str) -> Step:
    return next(step for step in read(text).steps if step.keyword == keyword)


def lines(dockerfile: Dockerfile) -> list[tuple[str, int, int]]:
    return [(step.keyword, step.start_line, step.end_line) for step in dockerfile.steps]


def test_each_step_has_its_lines():
    dockerfile = read("""
        # a comment

        FROM debian AS base
        RUN a
        ENV A=b
    """)
    assert lines(dockerfile) == [("FROM", 3, 3), ("RUN", 4, 4), ("ENV", 5, 5)]


def test_continued_lines_are_joined_without_comments_and_empty_lines_inside():
    run = step(
        """
        FROM debian
        RUN echo a && \\
            # explains b

            echo b \\  \t
          && echo c
        """,
        "RUN",
    )
    assert run.value.split() == ["echo", "a", "&&", "echo", "b", "&&", "echo", "c"]
    assert (run.start_line, run.end_line) == (2, 6)


def test_two_escape_characters_do_not_continue_a_line():
    assert lines(read("FROM a\nRUN echo \\\\\nRUN b\n")) == [("FROM", 1, 1), ("RUN", 2, 2), ("RUN", 3, 3)]


def test_a_continued_last_line_ends_with_the_text():
    assert lines(read("FROM a\nRUN b \\\n# c\n\n")) == [("FROM", 1, 1), ("RUN", 2, 2)]


def test_the_escape_directive_holds_at_the_top_only():
    at_top = "# syntax=docker/dockerfile:1\n# Escape = `\nFROM a\nRUN dir `\n  c:\\\nRUN b\n"
    assert lines(read(at_top)) == [("FROM", 3, 3), ("RUN", 4, 5), ("RUN", 6, 6)]
    after_comment = "# hello\n# escape=`\nFROM a\nRUN dir `\nRUN b\n"
    assert lines(read(after_comment)) == [("FROM", 3, 3), ("RUN", 4, 4), ("RUN", 5, 5)]
    after_empty_line = "\n# escape=`\nFROM a\nRUN dir `\nRUN b\n"
    assert lines(parse(after_empty_line, "f"))[-1] == ("RUN", 5, 5)


def test_windows_line_ends_and_a_byte_order_mark_leave_no_trace():
    dockerfile = parse("\ufeffFROM a\r\nRUN b \\\r\n  c\r\nCOPY <<EOF /x\r\nbody\r\nEOF\r\n".encode(), "f")
    assert [each.text for each in dockerfile.steps] == ["FROM a", "RUN b   c", "COPY <<EOF /x"]
    assert dockerfile.steps[2].heredocs == (Heredoc("EOF", "body"),)
    assert dockerfile.steps[2].end_line == 6


def test_only_newlines_count_as_line_ends():
    assert lines(read("FROM a\nRUN b\x0c\x0b\u2028 c\nRUN d\n"))[-1] == ("RUN", 3, 3)


def test_several_heredocs_of_every_kind_belong_to_their_step():
    copy = step("FROM a\nCOPY <<EOF <<-'END' <<\"X\" /dest/\nRUN no\nEOF\n\t# kept\n\tEND\n$Y\nX\nRUN yes\n", "COPY")
    assert copy.heredocs == (Heredoc("EOF", "RUN no"), Heredoc("END", "# kept"), Heredoc("X", "$Y"))
    assert (copy.start_line, copy.end_line) == (2, 8)
    assert copy.value.endswith("/dest/")


@pytest.mark.parametrize(
    "line",
    [
        'RUN ["cat", "<<EOF"]',
        "RUN cat '<<EOF'",
        "RUN cat <<<EOF",
        "RUN echo $((1 <<2))",
        "ENV A=<<EOF",
        "RUN cat<<EOF",
    ],
)
def test_what_only_looks_like_a_heredoc_is_none(line):
    assert lines(read(f"FROM a\n{line}\nRUN b\nEOF\n"))[1:3] == [(line.split()[0], 2, 2), ("RUN", 3, 3)]


def test_an_unterminated_heredoc_swallows_nothing():
    assert lines(read("FROM a\nRUN <<EOF\nRUN b\nFROM c\n"))[1:] == [("RUN", 2, 2), ("RUN", 3, 3), ("FROM", 4, 4)]


def test_onbuild_may_hold_a_heredoc():
    assert lines(read("FROM a\nONBUILD run <<EOF\necho\nEOF\nUSER x"))[1:] == [("ONBUILD", 2, 4), ("USER", 5, 5)]


def test_flags_are_apart_from_the_value():
    copy = step('FROM a\ncopy --chown=1:1 --from="x y" src /dst --not-a-flag\n', "COPY")
    assert copy.flags == ("--chown=1:1", '--from="x y"')
    assert copy.value == "src /dst --not-a-flag"


def test_args_before_the_first_from_have_no_stage():
    dockerfile = read("ARG V=1\nFROM a:$V\nARG V\n")
    assert [step.stage for step in dockerfile.steps] == [None, 0, 0]


def test_stages_know_their_parents_and_sources():
    dockerfile = read("""
        FROM --platform=$BUILDPLATFORM debian AS Build
        RUN make
        FROM scratch AS empty
        FROM BUILD as test
        COPY --from=build /a /b
        COPY --from=1 /a /b
        COPY --from=test /a /b
        COPY --from=7 /a /b
        COPY --from=nginx:latest /a /b
    """)
    assert [(stage.name, stage.base, stage.parent) for stage in dockerfile.stages] == [
        ("build", "debian", None),
        ("empty", "scratch", None),
        ("test", "BUILD", 0),
    ]
    copies = [each.copied_from for each in dockerfile.steps if each.keyword == "COPY"]
    assert copies == [0, 1, None, None, None]


def test_a_stage_is_built_by_its_ancestors_first():
    dockerfile = read("""
        FROM debian AS a
        RUN 1
        FROM alpine AS other
        RUN no
        FROM a AS b
        RUN 2
        FROM b
        RUN 3
    """)
    assert [each.value for each in dockerfile.built(3)] == ["1", "2", "3"]
    assert [stage.index for stage in dockerfile.lineage(3)] == [0, 2, 3]


@pytest.mark.parametrize(
    ("text", "line"), [("", 1), ("# nothing\n", 1), ("\n{\n  json\n}\n", 2), ("\x00\x01PNG", 1), ("ARG A\n", 1)]
)
def test_a_file_without_from_is_no_dockerfile(text, line):
    with pytest.raises(ImageFormatError) as caught:
        parse(text, "some/file")
    assert caught.value.where == f"some/file:{line}"
    assert caught.value.hint


def test_a_huge_file_is_refused():
    with pytest.raises(LimitExceededError):
        parse(b"FROM a\n" + b"#" * MAX_DOCKERFILE_BYTES, "f")


def test_bytes_that_are_no_utf8_move_no_line():
    assert lines(parse(b"FROM a\nLABEL x=\xff\xfe\nRUN b\n", "f"))[-1] == ("RUN", 3, 3)


COPIES = """
    FROM node AS deps
    WORKDIR /app
    COPY package.json .npmrc ./
    RUN npm ci
    FROM node AS build
    WORKDIR /app
    COPY --from=deps /app/.npmrc /app/.npmrc
    COPY src/ ./src/
    FROM build AS late
    RUN npm run build
    FROM nginx
    COPY --from=build /app/src /srv
    COPY --from=build /app/.npmrc /root/
    COPY --from=late /app/src/ /late/
    COPY --from=build $DIR /unknown/
    COPY --from=build /app/.npmrc relative/
    COPY --from=build /usr/ /x/
"""


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        (12, "srv/config.js", 8),
        (12, "srv/deep/config.js", 8),
        (12, "other/config.js", None),
        (13, "root/.npmrc", 3),  # through two stages
        (14, "late/config.js", None),  # the build may have written it
        (15, "unknown/x", None),
        (16, "relative/.npmrc", None),  # the working directory is nginx's own
        (8, "app/src/x", None),  # from the context
        (10, "app/src/x", None),  # no copy at all
        (17, "x/absent", None),  # no step is known to have brought it
    ],
)
def test_a_copied_file_leads_to_the_step_that_brought_it_if_that_is_certain(line, path, expected):
    dockerfile = read(COPIES)
    copy = next(each for each in dockerfile.steps if each.start_line == line)
    found = source_of(dockerfile, copy, path)
    assert found == (DockerfileSpan("Dockerfile", expected, expected) if expected else None)


def test_a_heredoc_is_the_source_of_a_copied_file():
    dockerfile = read(
        "FROM a AS b\nCOPY <<EOF /etc/app.env\nA=b\nEOF\nRUN c\nFROM a\nCOPY --from=b /etc/app.env /etc/\n"
    )
    assert source_of(dockerfile, dockerfile.steps[-1], "/etc/app.env") == DockerfileSpan("Dockerfile", 2, 4)
