"""One history per builder, in the shape the builder writes it; real builders run in the integration tests."""

import pytest

from imgscan.image.created_by import MAX_CREATED_BY, MAX_SUFFIXES
from imgscan.image.history import setters
from tests.support.histories import NOP, SUM, aligned, buildkit, entry, last, texts


def test_classic_builder():
    result = aligned(
        f"{NOP} COPY dir:{SUM} in / ",
        f"-{NOP}  ARG A=default",
        f"-{NOP}  ENV API=x y z X=two words",
        '|1 A=x y z /bin/sh -c echo hi    && echo "there" > /x',
        f"{NOP} COPY --chown=1:1file:{SUM} in /d/ ",
        f"{NOP} ADD multi:{SUM} in /e/ ",
        f"{NOP} WORKDIR /app",
        f"-{NOP}  EXPOSE 80 90/udp",
        f"-{NOP}  EXPOSE map[80/tcp:{{}} 443/tcp:{{}}]",
        f"-{NOP}  VOLUME [/data /log]",
        f'-{NOP}  HEALTHCHECK &{{["CMD-SHELL" "wget \\"x\\" || exit 1"] "5s" "0s" "0s" \'\\x00\'}}',
        f"-{NOP}  ONBUILD RUN echo x",
        f'-{NOP}  ENTRYPOINT ["/bin/sh" "-c"]',
        f'-{NOP}  CMD ["a" "b\\"c"]',
    )

    assert [(item.keyword, item.text) for item in result.instructions] == [
        ("COPY", f"COPY dir:{SUM[:12]} in /"),
        ("ARG", "ARG A=default"),
        ("ENV", "ENV API=x y z X=two words"),
        ("RUN", 'RUN echo hi    && echo "there" > /x'),
        ("COPY", f"COPY --chown=1:1 file:{SUM[:12]} in /d/"),
        ("ADD", f"ADD multi:{SUM[:12]} in /e/"),
        ("WORKDIR", "WORKDIR /app"),
        ("EXPOSE", "EXPOSE 80 90/udp"),
        ("EXPOSE", "EXPOSE 80/tcp 443/tcp"),
        ("VOLUME", 'VOLUME ["/data", "/log"]'),
        ("HEALTHCHECK", 'HEALTHCHECK CMD wget "x" || exit 1'),
        ("ONBUILD", "ONBUILD RUN echo x"),
        ("ENTRYPOINT", 'ENTRYPOINT ["/bin/sh", "-c"]'),
        ("CMD", r'CMD ["a", "b\"c"]'),
    ]
    assert result.instructions[3].arguments == {"A": "x y z"}


def test_buildkit():
    result = aligned(
        buildkit("-ARG TOKEN=t"),
        buildkit("-ENV A=b c"),
        buildkit("WORKDIR /app"),
        buildkit("RUN |1 TOKEN=t /bin/sh -c curl $TOKEN # keep # buildkit"),
        buildkit("RUN /bin/sh -c cat <<EOF > /x\n  a | b\nEOF\n # buildkit"),
        buildkit("RUN python -m compileall # buildkit"),
        buildkit("RUN |1 TOKEN=t python -m x # buildkit"),
        buildkit("COPY --chown=1:1 . <<EOF /dest/ # buildkit"),
        buildkit("-EXPOSE [8080/tcp]"),
        buildkit('-HEALTHCHECK &{["CMD" "curl" "-f"] "30s" "3s" "0s" "0s" \'\\x03\'}'),
        buildkit('-HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}'),
        buildkit('-CMD ["node" "é\\n"]'),
    )

    assert [item.text for item in result.instructions] == [
        "ARG TOKEN=t",
        "ENV A=b c",
        "WORKDIR /app",
        "RUN curl $TOKEN # keep",
        "RUN cat <<EOF > /x\n  a | b\nEOF",
        "RUN python -m compileall",
        "RUN python -m x",
        "COPY --chown=1:1 . <<EOF /dest/",
        "EXPOSE 8080/tcp",
        'HEALTHCHECK CMD ["curl", "-f"]',
        "HEALTHCHECK NONE",
        r'CMD ["node", "é\n"]',
    ]
    assert [dict(item.arguments) for item in result.instructions if item.arguments] == [{"TOKEN": "t"}] * 2
    assert [item.layer for item in result.instructions] == [None, None, 0, 1, 2, 3, 4, 5, None, None, None, None]


def test_what_the_buildkit_exporter_adds_is_a_step():
    filled = {"created_by": "[stage-1 2/3] mkdir", "comment": "buildkit.exporter.image.v0"}

    assert (last(filled).keyword, last(filled).text) == ("STEP", "[stage-1 2/3] mkdir")


def test_buildah_and_podman():
    result = aligned(
        f"{NOP} COPY dir:{SUM} in / ",
        {**entry(f"-{NOP} ARG A B"), "comment": "FROM 59cc062863d7"},
        f'-{NOP} ENV API=$A X="two words" Y=z\\ q',
        f'-{NOP} LABEL "com.ex"="v w" other=1|unsetLabel=true|inheritLabels=false|force-mtime=10',
        "|4 A=x y z B=b /bin/sh -c --mount=type=secret,id=npm npm ci",
        '|4 A=x y z B=b /bin/sh -c ["/bin/sh", "-c", "echo exec"]',
        "/bin/sh -c cat <<EOF > /x (a\nb\nEOF)",
        f"{NOP} COPY file:{SUM} in /d/  |inheritLabels=false",
        "/bin/sh -c echo a | X=1 cat |inheritLabels=false",
        f'-{NOP} SHELL ["/bin/bash", "-c"]',
        f'-{NOP} CMD ["a", "b"]',
        {**entry("/bin/sh"), "comment": "FROM docker.io/library/alpine:3"},
    )

    assert [item.text for item in result.instructions] == [
        f"COPY dir:{SUM[:12]} in /",
        "ARG A B",
        'ENV API=$A X="two words" Y=z\\ q',
        'LABEL "com.ex"="v w" other=1',
        "RUN --mount=type=secret,id=npm npm ci",
        'RUN ["/bin/sh", "-c", "echo exec"]',
        "RUN cat <<EOF > /x (a\nb\nEOF)",
        f"COPY file:{SUM[:12]} in /d/",
        "RUN echo a | X=1 cat",
        'SHELL ["/bin/bash", "-c"]',
        'CMD ["a", "b"]',
        "/bin/sh",
    ]
    assert result.instructions[4].arguments == {"A": "x y z", "B": "b"}
    assert result.instructions[-1].keyword == "COMMIT"


@pytest.mark.parametrize(
    "command", ["cmd | X=1 other", "cmd |force-mtime=1 x", "cmd |other=1", "cmd |force-mtime=x", "cmd|"]
)
def test_a_pipe_that_is_shell_stays(command):
    assert texts(f"/bin/sh -c {command}") == [f"RUN {command}"]


def test_only_so_many_suffixes_are_removed():
    assert texts("/bin/sh -c x" + "|force-mtime=1" * (MAX_SUFFIXES + 1)) == ["RUN x|force-mtime=1"]


def test_kaniko_records_what_the_person_wrote():
    entries = [
        {"created_by": 'run /bin/sh -c "x" # buildkit', "author": "kaniko"},
        {"created_by": "COPY --from=build /a /b", "author": "kaniko"},
        {"created_by": 'CMD ["a","b"]', "author": "kaniko"},
    ]

    assert texts(*entries) == ['RUN /bin/sh -c "x" # buildkit', "COPY --from=build /a /b", 'CMD ["a","b"]']


@pytest.mark.parametrize(
    ("entry", "run", "keyword", "text"),
    [
        ({"created_by": "bash"}, {}, "COMMIT", "bash"),
        ({"created_by": "/bin/bash", "comment": "added key"}, {}, "COMMIT", "/bin/bash (added key)"),
        ({"created_by": "bash -c make"}, {}, "COMMIT", "bash -c make"),
        ({"created_by": "nginx -g x"}, {"Cmd": ["nginx", "-g", "x"]}, "COMMIT", "nginx -g x"),
        ({"created_by": "/bin/sh -c e"}, {"Cmd": ["/bin/sh", "-c", "e"]}, "COMMIT", "/bin/sh -c e"),
        ({"created_by": "nginx -g x"}, {"Cmd": ["nginx"]}, "STEP", "nginx -g x"),
        ({"comment": "Imported from -"}, {}, "IMPORT", "Imported from -"),
        ({"empty_layer": True}, {}, "STEP", ""),
    ],
)
def test_commit_and_import(entry, run, keyword, text):
    made = last(entry, **run)

    assert (made.keyword, made.text) == (keyword, text)


def test_the_command_of_a_container_is_a_commit_only_as_the_lastentry():
    assert texts("/bin/sh -c e", '-CMD ["/bin/sh" "-c" "e"]', Cmd=["/bin/sh", "-c", "e"])[0] == "RUN e"


def test_squashed():
    result = aligned(
        f"{NOP} ADD file:{SUM} in / ",
        "-/bin/sh -c rm /secret",
        {"comment": f"merge sha256:{SUM} to sha256:{SUM}"},
    )

    assert [item.layer for item in result.instructions] == [0, None, 1]
    assert result.instructions[-1].keyword == "SQUASH"
    assert result.instructions[-1].text == f"merge sha256:{SUM[:12]} to sha256:{SUM[:12]}"


@pytest.mark.parametrize(
    ("created_by", "comment", "text"),
    [
        ("jib-maven-plugin:3.4.0", "classes", "jib-maven-plugin:3.4.0 (classes)"),
        ("ko build ko://x/y", "go build output, at /ko-app/y", "ko build ko://x/y (go build output, at /ko-app/y)"),
        ("bazel build ...", None, "bazel build ..."),
        ("apko", "This is an apko single-layer image", "apko (This is an apko single-layer image)"),
        (None, "store paths: ['/nix/store/a']", "store paths: ['/nix/store/a']"),
        ("Buildpacks Launcher Config", "", "Buildpacks Launcher Config"),
        ("# debian.sh --arch 'amd64' out/ 'trixie' '@1'", "debuerreotype 0.15", None),
        ("Apply image 10.0.17763.1", None, "Apply image 10.0.17763.1"),
    ],
)
def test_other_tools_speak_in_their_own_words(created_by, comment, text):
    made = last({"created_by": created_by, "comment": comment})

    assert made.keyword == "STEP"
    assert made.text == (text or f"{created_by} ({comment})")


@pytest.mark.parametrize(
    ("created_by", "text"),
    [
        ("cmd /S /C dir C:\\", "RUN dir C:\\"),
        ("cmd /S /C #(nop)  ENV A=b", "ENV A=b"),
        ("powershell -Command Get-Item x", "RUN Get-Item x"),
        ("RUN cmd /S /C dir # buildkit", "RUN dir"),
        ("/bin/bash -o pipefail -c a | b", "RUN a | b"),
        ("/bin/bash -euxo pipefail -c a | b", "RUN a | b"),
        ("/bin/ash -eo pipefail -c a | b", "RUN a | b"),
        ("RUN /bin/bash -o pipefail -c a | b # buildkit", "RUN a | b"),
        ("/bin/bash -o pipefail -c #(nop)  ENV A=b", "ENV A=b"),
        ("RUN /bin/bash -c a # buildkit", "RUN /bin/bash -c a"),
        ("/usr/bin/zsh -c a", "RUN /usr/bin/zsh -c a"),
        ("/bin/sh -c /bin/sh -c x", "RUN /bin/sh -c x"),
        ('/bin/sh -c echo "#(nop)  ENV A=b"', 'RUN echo "#(nop)  ENV A=b"'),
        ("|0 /bin/sh -c x", "RUN x"),
        (f"{NOP} strange", "strange"),
    ],
)
def test_shells(created_by, text):
    assert texts(created_by) == [text]


@pytest.mark.parametrize("form", [f"-{NOP}  SHELL [{{}}]", "-SHELL [{}]"])
@pytest.mark.parametrize(
    "shell", ["/bin/bash -c", "/opt/my/python -c", "powershell -Command $ErrorActionPreference = 'Stop';"]
)
def test_a_shell_instruction_changes_the_prefix(form, shell):
    entries = [form.format(shell), f"{shell} echo 1", f"RUN {shell} echo 2 # buildkit", f"-{shell} #(nop)  ENV A=b"]

    assert texts(*entries)[1:] == ["RUN echo 1", "RUN echo 2", "ENV A=b"]


def test_the_shell_of_the_config_is_known_too():
    assert texts("/opt/sh x -c echo", Shell=["/opt/sh", "x", "-c"]) == ["RUN echo"]


def test_words_that_may_have_had_spaces_are_not_made_a_list():
    assert texts("-SHELL [powershell -Command $a = 'b';]") == ["SHELL [powershell -Command $a = 'b';]"]


@pytest.mark.parametrize(
    ("declared", "created_by", "arguments", "text"),
    [
        ("A B", "|2 A=1 B=2 /bin/sh -c x", {"A": "1", "B": "2"}, "RUN x"),
        ("A B", "|2 A=a C=c B=b d /bin/sh -c x", {"A": "a C=c", "B": "b d"}, "RUN x"),
        ("A", "|1 A=a A=b /bin/sh -c x", {"A": "a A=b"}, "RUN x"),
        ("A B", "|2 A= B= /bin/sh -c x", {"A": "", "B": ""}, "RUN x"),
        ("A B", "|2 A=/bin/sh -c y B=b /bin/sh -c x", {"A": "/bin/sh -c y", "B": "b"}, "RUN x"),
        ("A", "|4 A=p /bin/sh -c q /bin/sh -c x", {"A": "p /bin/sh -c q"}, "RUN x"),
        ("", "|1 A=a b /bin/sh -c x", {"A": "a b"}, "RUN x"),
        ("Z", "|2 A=a Z=z /bin/sh -c x", {"A": "a", "Z": "z"}, "RUN x"),
        ("A B", "|2 A=a b B=c python x.py", {"A": "a b", "B": "c"}, "RUN python x.py"),
        ("A", "|1 python x.py", {}, "RUN python x.py"),
        ("A", "|1 /bin/sh -c A=b x", {}, "RUN A=b x"),
        ("A", "|99999 A=a /bin/sh -c x", {}, "|99999 A=a /bin/sh -c x"),
    ],
)
def test_build_args_recorded_with_a_run(declared, created_by, arguments, text):
    made = last(*(f"-ARG {name}" for name in declared.split()), created_by)

    assert (dict(made.arguments), made.text) == (arguments, text)


@pytest.mark.parametrize(
    "text",
    [
        "|9 " + " A=" * 60_000 + " /bin/sh -c x",
        "|9" + " /bin/sh -c" * 20_000,
        "RUN |9 " + "A" * 200_000,
        "CMD [" + '"a" ' * 50_000,
        'CMD ["' + "\\" * 200_000,
        "ENV " + "A=\"'" * 50_000,
        'ENV A="' + "\\" * 200_000,
        "ENV " + '"\'\\"' * 50_000,
        "COPY " + "--a " * 50_000,
        "COPY " + "--a" * 60_000,
        "/bin/bash" + " -o x" * 50_000,
        "/a" * 100_000,
        "x" + "|force-mtime=1" * 18_000,
        "HEALTHCHECK &{[" + '"a" ' * 50_000 + "]",
        "SHELL [" + "a " * 100_000 + "]",
    ],
)
def test_hostile_text_takes_linear_time(text):
    """A quadratic pattern would need minutes for these, so the test has no clock of its own."""
    made = aligned(text, "RUN x")

    assert len(made.instructions[0].text) <= 2 * MAX_CREATED_BY
    assert ("ENV", "absent") not in setters(made.instructions)
