"""Lines of a Dockerfile for instructions, as several builders record them."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest

from imgscan.errors import UsageError
from imgscan.image.dockerfile import Dockerfile, parse
from imgscan.image.dockerfile_match import MAX_PAIRS, attach
from imgscan.image.history import DockerfileSpan, Instruction

DOCKERFILE = """
    ARG VERSION=1
    FROM debian:$VERSION AS tools
    COPY rootfs /

    FROM tools AS build
    ARG API_TOKEN
    WORKDIR /src
    COPY app/ ./
    RUN make > out.txt

    FROM tools
    # a comment
    ARG API_TOKEN=default
    ARG OTHER
    ENV API_TOKEN=$API_TOKEN \\
        OPTS="-Dx=1 -Dy=2"
    LABEL org.example="v w" second=2
    WORKDIR app
    COPY --chown=1:1 app/.env ./
    COPY --from=build /src/out.txt /app/
    COPY <<EOF /app/inline.env
    INLINE=$API_TOKEN
    EOF
    RUN --mount=type=secret,id=npm echo hi && \\
        # why

        echo there
    RUN <<EOF
    echo one
    EOF
    RUN ["echo", "exec"]
    RUN true
    RUN true
    SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    RUN echo strict > /y
    EXPOSE 80 90/udp
    VOLUME /data
    HEALTHCHECK --interval=5s CMD wget "x" || exit 1
    ONBUILD RUN echo x
    ENTRYPOINT ["/bin/sh", "-c"]
    CMD run "it"
    USER 1
"""

BASE = (("ADD file:0123456789ab in /", None), ('CMD ["bash"]', None))

BUILDKIT = (
    ("COPY rootfs /", (3, 3)),
    ("ARG API_TOKEN=passed", (13, 13)),
    ("ARG OTHER", (14, 14)),
    ("ENV API_TOKEN=passed OPTS=-Dx=1 -Dy=2", (15, 16)),
    ("LABEL org.example=v w second=2", (17, 17)),
    ("WORKDIR /app", (18, 18)),
    ("COPY --chown=1:1 app/.env ./", (19, 19)),
    ("COPY /src/out.txt /app/", (20, 20)),
    ("COPY <<EOF /app/inline.env", (21, 23)),
    ("RUN echo hi &&     echo there", (24, 27)),
    ("RUN echo one\n", (28, 30)),
    ("RUN echo exec", (31, 31)),
    ("RUN true", (32, 32)),
    ("RUN true", (33, 33)),
    ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', (34, 34)),
    ("RUN /bin/bash -o pipefail -c echo strict > /y", (35, 35)),
    ("EXPOSE 80/tcp 90/udp", (36, 36)),
    ('VOLUME ["/data"]', (37, 37)),
    ('HEALTHCHECK CMD wget "x" || exit 1', (38, 38)),
    ('ENTRYPOINT ["/bin/sh", "-c"]', (40, 40)),
    ('CMD ["/bin/bash", "-o", "pipefail", "-c", "run \\"it\\""]', (41, 41)),
    ("USER 1", (42, 42)),
)

CLASSIC = (
    ("COPY dir:0123456789ab in /", (3, 3)),
    ("ARG API_TOKEN=default", (13, 13)),
    ("ARG OTHER", (14, 14)),
    ("ENV API_TOKEN=passed OPTS=-Dx=1 -Dy=2", (15, 16)),
    ("LABEL org.example=v w second=2", (17, 17)),
    ("WORKDIR /app", (18, 18)),
    ("COPY --chown=1:1 file:0123456789ab in ./", (19, 19)),
    ("COPY file:0123456789ab in /app/", (20, 20)),
    ("COPY file:0123456789ab in /app/inline.env", (21, 23)),
    ("RUN echo hi &&     echo there", (24, 27)),
    ("RUN echo one\n", (28, 30)),
    ("RUN echo exec", (31, 31)),
    ("RUN true", (32, 32)),
    ("RUN true", (33, 33)),
    ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', (34, 34)),
    ("RUN echo strict > /y", (35, 35)),
    ("EXPOSE 80 90/udp", (36, 36)),
    ('VOLUME ["/data"]', (37, 37)),
    ('HEALTHCHECK CMD wget "x" || exit 1', (38, 38)),
    ("ONBUILD RUN echo x", (39, 39)),
    ('ENTRYPOINT ["/bin/sh", "-c"]', (40, 40)),
    ('CMD ["/bin/sh", "-c", "run \\"it\\""]', (41, 41)),
    ("USER 1", (42, 42)),
)

BUILDAH = (
    ("COPY dir:0123456789ab in /", (3, 3)),
    ("ARG API_TOKEN", (13, 13)),
    ("ARG API_TOKEN OTHER", (14, 14)),
    ('ENV API_TOKEN=$API_TOKEN     OPTS="-Dx=1 -Dy=2"', (15, 16)),
    ('LABEL org.example="v w" second=2', (17, 17)),
    ("WORKDIR app", (18, 18)),
    ("COPY file:0123456789ab in ./", (19, 19)),
    ("COPY file:0123456789ab in /app/", (20, 20)),
    ("COPY file:0123456789ab in /app/inline.env", (21, 23)),
    ("RUN --mount=type=secret,id=npm echo hi &&     echo there", (24, 27)),
    ("RUN <<EOFecho one\nEOF", (28, 30)),
    ('RUN ["echo", "exec"]', (31, 31)),
    ("RUN true", (32, 32)),
    ("RUN true", (33, 33)),
    ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', (34, 34)),
    ("RUN echo strict > /y", (35, 35)),
    ("EXPOSE 80 90/udp", (36, 36)),
    ("VOLUME /data", (37, 37)),
    ('HEALTHCHECK --interval=5s CMD wget "x" || exit 1', (38, 38)),
    ("ONBUILD RUN echo x", (39, 39)),
    ('ENTRYPOINT ["/bin/sh", "-c"]', (40, 40)),
    ('CMD run "it"', (41, 41)),
    ("USER 1", (42, 42)),
)

KANIKO = (
    ("COPY rootfs /", (3, 3)),
    ("WORKDIR app", (18, 18)),
    ("COPY --chown=1:1 app/.env ./", (19, 19)),
    ("COPY --from=build /src/out.txt /app/", (20, 20)),
    ("RUN echo hi &&     echo there", (24, 27)),
    ("RUN echo strict > /y", (35, 35)),
)


def read(text: str) -> Dockerfile:
    return parse(dedent(text).lstrip("\n"), "Dockerfile")


def instructions(*texts: str) -> tuple[Instruction, ...]:
    return tuple(Instruction(index, text.split()[0], text, exact=True) for index, text in enumerate(texts))


def lines(found: tuple[Instruction, ...]) -> list[tuple[int, int] | None]:
    spans = [item.dockerfile for item in found]
    return [(span.start_line, span.end_line) if span else None for span in spans]


@pytest.mark.parametrize("history", [BUILDKIT, CLASSIC, BUILDAH], ids=["buildkit", "classic", "buildah"])
def test_every_instruction_of_every_builder_gets_its_lines_and_the_base_none(history):
    rows = BASE + history
    found, notices = attach(instructions(*(text for text, _ in rows)), read(DOCKERFILE))
    assert lines(found) == [expected for _, expected in rows]
    assert notices == ()


def test_lines_change_nothing_else():
    before = instructions(*(text for text, _ in BUILDKIT))
    after, _ = attach(before, read(DOCKERFILE))
    assert [(item.text, item.origin, item.exact) for item in after] == [(item.text, "history", True) for item in before]
    assert {item.dockerfile.path for item in after if item.dockerfile} == {"Dockerfile"}


def test_kaniko_leaves_out_what_made_no_layer():
    found, notices = attach(instructions(*(text for text, _ in KANIKO)), read(DOCKERFILE))
    assert lines(found) == [expected for _, expected in KANIKO]
    assert [notice.message for notice in notices] == ["no instruction is certain to be that of line 21, 28, 31, 32, 33"]


def test_a_target_is_taken_by_name_or_number():
    history = instructions("COPY rootfs /", "ARG API_TOKEN", "WORKDIR /src", "COPY app/ ./", "RUN make > out.txt")
    for target in ("build", "BUILD", "1"):
        found, notices = attach(history, read(DOCKERFILE), target=target)
        assert lines(found) == [(3, 3), (6, 6), (7, 7), (8, 8), (9, 9)]
        assert notices == ()


def test_an_unknown_target_is_an_error_that_names_the_stages():
    with pytest.raises(UsageError) as caught:
        attach((), read(DOCKERFILE), target="nope")
    assert caught.value.hint == "its stages: tools, build"


def test_another_images_dockerfile_gives_no_lines_and_says_so():
    before = instructions("ADD file:0123456789ab in /", "RUN apk add curl", "COPY main.go /go", 'CMD ["bash"]')
    found, notices = attach(before, read(DOCKERFILE))
    assert lines(found) == [None] * 4
    assert [notice.code for notice in notices] == ["dockerfile-mismatch"]


def test_the_same_text_in_the_base_image_gets_no_lines():
    history = instructions("RUN true", "ENV A=b", 'CMD ["sh"]', "ENV A=b", "RUN true", "RUN true")
    found, _ = attach(history, read("FROM x\nENV A=b\nRUN true\nRUN true\n"))
    assert lines(found) == [None, None, None, (2, 2), (3, 3), (4, 4)]


def test_where_two_steps_would_fit_neither_is_taken():
    history = instructions("COPY a /", "RUN true", "COPY b /")
    found, notices = attach(history, read("FROM x\nCOPY a /\nRUN true\nRUN true\nCOPY b /\n"))
    assert lines(found) == [(2, 2), None, (5, 5)]
    assert len(notices) == 2


def test_a_changed_step_leaves_its_neighbours_in_place():
    history = instructions("COPY a /", "RUN old", "USER 1", "RUN new")
    found, notices = attach(history, read("FROM x\nCOPY a /\nRUN changed\nUSER 1\nRUN new\n"))
    assert lines(found) == [(2, 2), None, (4, 4), (5, 5)]
    assert [notice.message for notice in notices] == [
        "no step is certain to be that of instruction 1",
        "no instruction is certain to be that of line 3",
    ]


def test_pairs_may_be_split_or_joined_by_the_builder():
    dockerfile = read("FROM x\nENV A=1 B=2\nENV C=3\nENV D=4\nRUN x\n")
    found, notices = attach(instructions("ENV A=1", "ENV B=2", "ENV C=3 D=4", "RUN x"), dockerfile)
    assert lines(found) == [(2, 2), (2, 2), (3, 4), (5, 5)]
    assert notices == ()


def test_a_value_that_disagrees_is_not_the_same_instruction():
    found, _ = attach(instructions("ENV A=1", "RUN x"), read("FROM x\nENV A=2\nRUN x\n"))
    assert lines(found) == [None, (3, 3)]


def test_variables_agree_with_whatever_stands_between_their_literal_neighbours():
    dockerfile = read("FROM x\nCOPY ${DIR}/app.jar $HOME/lib/\nENV URL=http://$USER:${PASS:-x}@host/\nRUN x\n")
    found, _ = attach(instructions("COPY build/app.jar /root/lib/", "ENV URL=http://u:p@host/", "RUN x"), dockerfile)
    assert lines(found) == [(2, 2), (3, 3), (4, 4)]
    other, _ = attach(instructions("COPY build/app.war /root/lib/", "ENV URL=http://u:p@other/", "RUN x"), dockerfile)
    assert lines(other) == [None, None, (4, 4)]


def test_names_of_another_dockerfile_are_no_pairs():
    found, _ = attach(instructions("ENV B=1 A=2", "RUN x"), read("FROM x\nENV A=2\nRUN x\n"))
    assert lines(found) == [None, (3, 3)]


def test_the_old_form_of_env_is_one_pair():
    dockerfile = read("FROM x\nENV A some value with b=c\nRUN x\n")
    for text in ("ENV A=some value with b=c", "ENV A some value with b=c"):
        assert lines(attach(instructions(text, "RUN x"), dockerfile)[0]) == [(2, 2), (3, 3)]


def test_lines_that_are_there_are_kept():
    span = DockerfileSpan("other", 7, 8)
    history = (Instruction(0, "RUN", "RUN x", dockerfile=span),)
    assert attach(history, read("FROM x\nRUN x\n"))[0][0].dockerfile == span


def test_a_stage_that_may_start_from_another_one_is_told():
    found, notices = attach(
        instructions("RUN a", "RUN b"), read("FROM x AS dev\nRUN a\nFROM x AS prod\nRUN a\nFROM ${MODE}\nRUN b\n")
    )
    assert lines(found) == [None, (6, 6)]
    assert "${MODE}" in notices[0].message
    _, quiet = attach(instructions("RUN b"), read("FROM x AS dev\nFROM debian:${TAG:-12}\nRUN b\n"))
    assert quiet == ()


def test_a_dockerfile_of_from_alone_says_nothing():
    history = instructions("RUN a")
    assert attach(history, read("FROM x\n")) == (history, ())


def test_too_much_to_compare_is_told_and_not_done():
    count = int(MAX_PAIRS**0.5) + 1
    history = instructions(*["RUN a"] * count)
    found, notices = attach(history, read("FROM x\n" + "RUN a\n" * count))
    assert found == history
    assert notices[0].code == "dockerfile-mismatch"
    assert "too large" in notices[0].message


def test_flags_without_end_take_no_quadratic_time():
    seen = [Instruction(number, "COPY", f"COPY {'--a ' * 60_000}x /") for number in range(8)]
    started = time.process_time()
    attach(seen, parse("FROM a\nCOPY x /\n", "Dockerfile"))
    assert time.process_time() - started < 1
