"""The whole line on small images: findings, stories, base, stages, several images, and what cannot be had."""

from __future__ import annotations

import gzip
import json
import random

import msgspec
import pytest

from imgscan.errors import ImageNotFoundError, ImgscanError, UsageError
from imgscan.model.values import Confidence, EventKind, Platform, Severity, State, Where
from imgscan.rules.sample import expand
from imgscan.scan import scan
from imgscan.scan.options import Options
from imgscan.sources.base import Wanted
from tests.support.images import ImageBuilder, blob, containerd_store, docker_25, docker_legacy, oci_layout, tar_of

TOKEN = expand("ghp_{base62:30}{crc32}", "scan")
STRIPE = expand("sk_live_{base62:24}", "scan")


@pytest.fixture
def write(tmp_path):
    def written(*images, form=docker_25, name="image.tar", change=None):
        members = form(*images)
        if change:
            change(members)
        path = tmp_path / name
        path.write_bytes(tar_of(members))
        return str(path)

    return written


def app(*tags, **kwargs):
    image = ImageBuilder(*(tags or ("acme/app:1",)), **kwargs)
    image.layer({"bin/sh": b"\x7fELF"}, created_by="ADD rootfs.tar / # buildkit")
    image.layer({"app/.env": f"A=1\nTOKEN={TOKEN}\n".encode()}, created_by="COPY .env /app/.env # buildkit")
    image.step(f"ENV STRIPE={STRIPE}").configure(Env=["PATH=/bin", f"STRIPE={STRIPE}"])
    image.layer({"app/.wh..env": b""}, created_by="RUN /bin/sh -c rm /app/.env # buildkit")
    return image


def only(report):
    (image,) = report.images
    return image


def test_findings_know_their_layer_instruction_and_story(write):
    report = scan([write(app())])
    image = only(report)
    env, file = image.findings
    assert (env.where, env.key, image.instructions[env.instruction].text) == (
        Where.ENV,
        "config.Env[STRIPE]",
        "ENV STRIPE=sk_live_…",
    )
    assert (env.state, env.layer, env.line) == (State.CONFIG, None, None)
    assert (file.path, file.line, file.column, file.state) == ("/app/.env", 2, 7, State.DELETED)
    assert [(event.event, event.layer, event.instruction) for event in file.story] == [
        (EventKind.ADDED, 1, 1),
        (EventKind.DELETED, 2, 3),
    ]
    assert file.layer.index == 1
    assert image.instructions[file.instruction].text == "COPY .env /app/.env"
    assert (report.verdict.exit_code, report.summary.findings, report.summary.unique_secrets) == (1, 2, 2)
    assert image.coverage.complete


@pytest.mark.parametrize("form", [docker_legacy, docker_25, containerd_store, oci_layout])
def test_every_form_gives_the_same_fingerprints(write, form):
    found = {finding.fingerprint for finding in only(scan([write(app(), form=form)])).findings}
    assert found == {finding.fingerprint for finding in only(scan([write(app(), name="other.tar")])).findings}


def test_fingerprints_survive_a_rebuild_and_tell_secrets_apart(write):
    image = ImageBuilder("acme/app:2").layer({"new": b"x"}, created_by="COPY new /")
    image.layer({"app/.env": f"\n\n\nX={TOKEN}\nY={STRIPE}\n".encode()}, created_by="COPY . /app")
    first = {f.rule.id: f.fingerprint for f in only(scan([write(app())])).findings if f.path}
    second = {f.rule.id: f.fingerprint for f in only(scan([write(image, name="b.tar")])).findings}
    assert first["github-pat-classic"] == second["github-pat-classic"]
    assert len(set(second.values())) == 2


def test_a_password_that_could_be_guessed_is_not_in_the_fingerprint(write):
    def fingerprints(password, key=None):
        image = ImageBuilder("a:1").layer({"x.env": f"DATABASE_URL=postgres://u:{password}@db/x\n".encode()})
        report = scan([write(image)], Options(fingerprint_key=key))
        return {finding.fingerprint for finding in only(report).findings}

    assert fingerprints("Summer2024q") == fingerprints("Winter2025z")
    assert fingerprints("Summer2024q", b"k") != fingerprints("Winter2025z", b"k")
    assert fingerprints("Summer2024q", b"k") != fingerprints("Summer2024q", b"other")


def test_the_same_secret_in_two_files_is_two_findings_and_one_secret(write):
    image = ImageBuilder("a:1").layer({"a": TOKEN.encode(), "b": TOKEN.encode()})
    summary = scan([write(image)]).summary
    assert (summary.findings, summary.unique_secrets) == (2, 1)


def test_the_same_file_in_two_layers_is_one_finding_with_a_story(write):
    image = ImageBuilder("a:1").layer({"a": TOKEN.encode()}).layer({"a": TOKEN.encode()})
    (finding,) = only(scan([write(image)])).findings
    assert [(event.event, event.layer) for event in finding.story] == [(EventKind.ADDED, 0), (EventKind.CHANGED, 1)]
    assert finding.state is State.PRESENT


def test_no_secret_is_in_a_report_unless_it_is_asked_for(write):
    image = app()
    image.step(f"RUN |1 T={TOKEN} /bin/sh -c curl -H {TOKEN} # buildkit")
    image.layer({f"dir/{TOKEN}": b"x", f"{TOKEN}.txt": f"{TOKEN} {STRIPE}\n".encode()}, created_by=f"COPY {TOKEN} /")
    path = write(image)
    for value in (TOKEN, STRIPE):
        assert value.encode() not in msgspec.json.encode(scan([path]))
    shown = only(scan([path], Options(show_secrets=True)))
    assert {finding.secret.value for finding in shown.findings} == {TOKEN, STRIPE}


def test_the_gate_follows_its_options(write):
    path = write(app())
    assert scan([path], Options(fail_on=None)).verdict.exit_code == 0
    assert scan([path], Options(skip=("github-pat-classic", "stripe-live-secret-key"))).verdict.exit_code == 0
    assert len(only(scan([path], Options(only=("github-pat-classic",)))).findings) == 1
    assert scan([path], Options(fail_on=Severity.CRITICAL)).verdict.exit_code == 1


def test_findings_below_the_confidence_asked_for_are_not_told(write):
    image = ImageBuilder("a:1").configure(Env=[expand("DB_PASSWORD={base62:12}9aZ")]).layer({"x": b""})
    assert only(scan([write(image)])).findings
    assert not only(scan([write(image)], Options(min_confidence=Confidence.HIGH))).findings


def test_an_unknown_rule_is_a_usage_error_with_a_suggestion(write):
    with pytest.raises(UsageError) as caught:
        scan([write(app())], Options(only=("github-pat-clasic",)))
    assert "github-pat-classic" in (caught.value.hint or "")


def test_lines_come_from_the_dockerfile_and_stages_from_copy_from(write, tmp_path):
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(
        "FROM alpine AS build\nWORKDIR /src\nCOPY secrets/ /src/conf/\n\nFROM scratch\n"
        "ENV STRIPE=x\nCOPY --from=build /src/conf/.env \\\n  /app/.env\n"
    )
    image = ImageBuilder("a:1")
    image.step("ENV STRIPE=x")
    image.layer({"app/.env": TOKEN.encode()}, created_by="COPY /src/conf/.env /app/.env # buildkit")
    (finding,) = (about := only(scan([write(image)], Options(dockerfile=dockerfile)))).findings
    lines = about.instructions[finding.instruction].dockerfile
    assert (lines.start_line, lines.end_line) == (7, 8)
    assert (finding.copied_from.start_line, finding.copied_from.end_line) == (3, 3)


def test_a_dockerfile_that_is_not_there_is_a_usage_error(write, tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        scan([write(app())], Options(dockerfile=tmp_path / "none"))


def test_a_dockerfile_that_is_none_is_a_usage_error(write, tmp_path):
    (tmp_path / "notes").write_text("no instruction\n")
    with pytest.raises(UsageError, match="no FROM instruction"):
        scan([write(app())], Options(dockerfile=tmp_path / "notes"))


def test_a_layer_that_is_broken_in_one_image_is_read_again_in_the_next(write):
    image = app()
    name = f"blobs/sha256/{image.layers[1].diff_id.removeprefix('sha256:')}"

    def damage(members):
        assert members[name]
        members[name] = bytes(len(members[name]))

    broken, whole = scan([write(image, name="broken.tar", change=damage), write(image)]).images
    assert not any(finding.path == "/app/.env" for finding in broken.findings)
    assert any(finding.path == "/app/.env" for finding in whole.findings)


def test_layers_of_the_named_base_are_marked(write):
    base = ImageBuilder("acme/base:1").layer({"etc/key": TOKEN.encode()}, created_by="COPY key /etc/")
    image = ImageBuilder("acme/app:1").layer({"etc/key": TOKEN.encode()}, created_by="COPY key /etc/")
    image.layer({"own": STRIPE.encode()}, created_by="COPY own /")
    about = only(scan([write(image)], Options(base=write(base, name="base.tar"))))
    assert (about.base.how, about.base.layers) == ("flag", 1)
    assert [layer.base for layer in about.layers] == [True, False]
    assert [(finding.path, finding.base) for finding in about.findings] == [("/etc/key", True), ("/own", False)]


def test_a_base_that_does_not_fit_marks_nothing_and_is_told(write):
    base = ImageBuilder("acme/base:1").layer({"other": b"x"})
    about = only(scan([write(app())], Options(base=write(base, name="base.tar"))))
    assert about.base.layers == 0
    assert "base-mismatch" in {notice.code for notice in about.notices}


def test_layers_in_front_of_what_buildah_notes_are_of_the_base(write):
    image = ImageBuilder("acme/app:1").layer({"etc/key": TOKEN.encode()}, created_by="COPY key /etc/")
    image.step("/bin/sh -c #(nop) ENV A=1", comment="FROM localhost/base:1")
    image.layer({"own": STRIPE.encode()}, created_by="/bin/sh -c #(nop) COPY own /", comment="FROM 0123456789ab")
    about = only(scan([write(image)]))
    assert (about.base.reference, about.base.how, about.base.layers) == ("localhost/base:1", "label", 1)
    assert [(finding.path, finding.base) for finding in about.findings] == [("/etc/key", True), ("/own", False)]


def test_what_buildah_noted_in_a_base_says_nothing_of_an_image_that_another_builder_made(write):
    image = app()
    image.step("/bin/sh -c #(nop) ENV A=1", comment="FROM localhost/base:1")
    about = only(scan([write(image.layer({"own": b"x"}))]))
    assert (about.base.reference, about.base.layers) == (None, 0)


def test_a_layer_that_may_be_of_the_dockerfile_is_not_of_the_base(write, tmp_path):
    image = ImageBuilder("a:1").layer({"etc/x": b""}, created_by="ADD rootfs.tar / # buildkit")
    image.configure(Labels={"org.opencontainers.image.base.name": "alpine:3"})
    image.layer({"own": TOKEN.encode()}, created_by="COPY own /a # buildkit")
    image.layer({"b": b""}, created_by="RUN /bin/sh -c make # buildkit")
    image.layer({"c": b""}, created_by="RUN /bin/sh -c make install # buildkit")
    (tmp_path / "Dockerfile").write_text("FROM alpine:3\nCOPY own /changed\nRUN make\nRUN make install\n")
    about = only(scan([write(image)], Options(dockerfile=tmp_path / "Dockerfile")))
    assert [layer.base for layer in about.layers] == [True, False, False, False]
    assert [finding.base for finding in about.findings] == [False]


def test_the_name_of_the_base_shows_no_secret(write):
    label = {"org.opencontainers.image.base.name": f"https://user:{STRIPE}@registry.example/base"}
    about = only(scan([write(app().configure(Labels=label))]))
    assert about.base.reference == "https://user:sk_live_…@registry.example/base"


def test_a_base_that_a_label_names_is_told(write):
    image = app().configure(Labels={"org.opencontainers.image.base.name": "docker.io/library/alpine:3"})
    assert only(scan([write(image)])).base.reference == "docker.io/library/alpine:3"


def test_history_that_does_not_fit_gives_no_instruction_rather_than_a_wrong_one(write):
    image = app()
    image.history.pop(0)
    about = only(scan([write(image)]))
    assert all(layer.instruction is None for layer in about.layers)
    assert "history-mismatch" in {notice.code for notice in about.notices}
    assert about.coverage.complete


def test_a_tampered_layer_is_told_and_its_findings_kept(write):
    def tamper(members):
        name = next(name for name, data in members.items() if TOKEN.encode() in (data or b""))
        members[name] = members[name].replace(b"A=1", b"A=2")

    report = scan([write(app(), change=tamper)])
    assert "digest-mismatch" in {notice.code for notice in only(report).notices}
    assert report.verdict.exit_code == 1
    assert "was not looked at completely" in " ".join(report.verdict.reasons)
    assert len(only(report).findings) == 2


def test_an_absent_layer_is_never_clean(write):
    image = ImageBuilder("a:1").layer({"a": b"x"}).layer({"b": b"x"})

    def remove(members):
        del members[blob(image.layers[0].digest)]

    report = scan([write(image, form=oci_layout, change=remove)])
    assert (report.verdict.exit_code, only(report).coverage.complete) == (3, False)
    assert [str(layer.status) for layer in only(report).layers] == ["absent", "scanned"]
    assert scan([write(image, form=oci_layout, change=remove)], Options(allow_incomplete=True)).verdict.exit_code == 0


def test_every_platform_is_scanned_when_all_are_asked_for(write):
    images = app("a:1"), app("a:1", platform="linux/arm64")
    path = write(*images, form=containerd_store)
    every = scan([path], Options(wanted=Wanted(all_platforms=True))).images
    assert {image.platform for image in every} == {"linux/amd64", "linux/arm64"}
    one = scan([path], Options(wanted=Wanted(Platform("linux", "arm64")))).images
    assert {image.platform for image in one} == {"linux/arm64"}


def test_one_image_that_cannot_be_had_is_an_error_among_several_a_notice(write, tmp_path):
    missing = str(tmp_path / "missing.tar")
    with pytest.raises(ImageNotFoundError):
        scan([missing])
    report = scan([write(app()), missing])
    assert [len(image.findings) for image in report.images] == [2, 0]
    assert {notice.code for notice in report.images[1].notices} == {"unavailable"}
    assert "could not be scanned" in " ".join(report.verdict.reasons)


def test_a_file_that_is_no_image_is_an_error(tmp_path):
    (tmp_path / "x.tar").write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(ImgscanError):
        scan([str(tmp_path / "x.tar")])


def test_an_attestation_beside_the_image_is_scanned(write):
    args = {"build-arg:GH_TOKEN": TOKEN}
    image = ImageBuilder("a:1").layer({"x": b"x"}, codec="gzip")
    image.attest(
        {
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "predicate": {"invocation": {"parameters": {"args": args}}},
        }
    )
    (finding,) = only(scan([write(image, form=containerd_store)])).findings
    assert (finding.where, finding.key) == (Where.ATTESTATION, "provenance.build-arg:GH_TOKEN")


def test_the_whole_archive_may_be_compressed_and_truncated(tmp_path):
    stored = gzip.compress(tar_of(docker_legacy(app())))
    (tmp_path / "whole.tar.gz").write_bytes(stored)
    assert len(only(scan([str(tmp_path / "whole.tar.gz")])).findings) == 2
    (tmp_path / "cut.tar.gz").write_bytes(stored[:-200])
    report = scan([str(tmp_path / "cut.tar.gz")])
    assert report.verdict.exit_code in (1, 3)
    assert not only(report).coverage.complete


def test_reports_are_the_same_whatever_the_number_of_threads(write):
    path = write(app())

    def comparable(jobs):
        report = json.loads(msgspec.json.encode(scan([path], Options(jobs=jobs))))
        return {**report, "started_at": None, "finished_at": None}

    assert comparable(1) == comparable(2) == comparable(5)


def test_rules_of_a_file_look_at_paths_and_let_go_what_they_allow(write, tmp_path):
    (tmp_path / "rules.toml").write_text(
        "[extend]\nuseDefault = true\n[[rules]]\nid = 'acme'\nregex = 'acme_([a-z]{12})'\npath = '^srv/.*conf$'\n"
        "[[rules]]\nid = 'unseen'\npath = 'p12$'\n[[allowlists]]\npaths = ['^app/']\n"
    )
    image = ImageBuilder("acme/app:1")
    text = b"acme_abcdefghijkl"
    image.layer({"./srv/a.conf": text, "srv/a.txt": text, "app/.env": f"TOKEN={TOKEN}".encode()})
    found = only(scan([write(image)], Options(rules=(tmp_path / "rules.toml",), jobs=1)))
    assert [(finding.rule.id, finding.path) for finding in found.findings] == [("acme", "/srv/a.conf")]
    assert [notice.where.rpartition("/")[2] for notice in found.notices if notice.code == "rule-file"] == [
        "rules.toml:7:1"
    ]
    assert found.coverage.complete
