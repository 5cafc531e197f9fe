"""Config, history, annotations and attestations: every text is scanned, each secret told once, at its instruction."""

from __future__ import annotations

import json

import msgspec
import pytest

from imgscan.image import wire
from imgscan.image.fields import fields
from imgscan.image.history import align
from imgscan.image.image import Attestation, Image
from imgscan.image.json_tree import MAX_VALUES
from imgscan.match.detector import Detector
from imgscan.model.values import Digest, Platform, Where
from imgscan.rules.load import RuleSet
from imgscan.scan.config import scan_config
from tests.support.layers import DETECTOR, TOKEN

SECRET = "tok_abcdefgh01234567"
OTHER = "tok_0123456789abcdef"


def image(config=None, *, annotations=None, attestations=(), **document):
    document = {"architecture": "amd64", "os": "linux", "config": config or {}, **document}
    stored = json.dumps(document).encode()
    return Image(
        reference="image:tag",
        source="docker",
        platform=Platform("linux", "amd64"),
        manifest_digest=None,
        config_digest=None,
        config_json=stored,
        config=wire.decode(stored, wire.ImageConfig, what="config"),
        layers=(),
        annotations=annotations or {},
        attestations=attestations,
    )


ID = msgspec.structs.replace(TOKEN, id="id", pattern=r"\b(?P<secret>acc_[0-9]{6})\b", examples=())
PAIR = msgspec.structs.replace(
    TOKEN, id="pair", pattern=r"\b(?P<id>acc_[0-9]{6})\b[\s\S]{1,60}?\b(?P<secret>tok_[0-9a-z]{16})\b", examples=()
)
PAIRING = Detector(RuleSet.of([TOKEN, ID, PAIR]), use_cache=False)


@pytest.mark.parametrize("between", [[], ["PATH=/usr/bin"]])
def test_the_halves_of_a_credential_in_two_variables_are_one(between):
    about = image({"Env": ["A=1", "ACME_ID=acc_123456", *between, f"ACME_TOKEN={SECRET}"]})
    matches, _ = scan_config(about, (), PAIRING)
    ((field, match),) = [(found.field, found.match) for found in matches]
    assert (field.key, match.rule_id) == ("config.Env[ACME_TOKEN]", "pair")
    assert field.text[match.start : match.end] == match.secret.value == SECRET.encode()
    assert [(name, part.value) for name, part in match.parts] == [("id", b"acc_123456")]


@pytest.mark.parametrize("between", [f"PATH={'/usr/bin:' * 20}", f"ACME_SESSION={'0' * 100}"])
def test_the_halves_of_a_credential_need_not_be_neighbours(between):
    about = image({"Env": ["ACME_ID=acc_123456", between, f"ACME_TOKEN={SECRET}"]})
    matches, _ = scan_config(about, (), PAIRING)
    assert [(found.field.key, found.match.rule_id) for found in matches] == [("config.Env[ACME_TOKEN]", "pair")]


def test_variables_of_two_owners_are_no_halves_of_one_credential():
    about = image({"Env": ["ACME_ID=acc_123456", f"OTHER_TOKEN={SECRET}"]})
    matches, _ = scan_config(about, (), PAIRING)
    assert {(found.field.key, found.match.rule_id) for found in matches} == {
        ("config.Env[ACME_ID]", "id"),
        ("config.Env[OTHER_TOKEN]", "token"),
    }


def test_halves_are_told_apart_by_whose_they_are():
    names = [
        "DEV_ACME_ID=acc_123456",
        f"PROD_ACME_TOKEN={SECRET}",
        "PROD_ACME_ID=acc_654321",
        f"DEV_ACME_TOKEN={OTHER}",
    ]
    reverse = msgspec.structs.replace(
        PAIR, id="reversed", pattern=r"\b(?P<secret>tok_[0-9a-z]{16})\b[\s\S]{1,60}?\b(?P<id>acc_[0-9]{6})\b"
    )
    detector = Detector(RuleSet.of([TOKEN, ID, PAIR, reverse]), use_cache=False)
    matches, _ = scan_config(image({"Env": names}), (), detector)
    assert {(found.match.secret.value, found.match.parts[0][1].value) for found in matches} == {
        (OTHER.encode(), b"acc_123456"),
        (SECRET.encode(), b"acc_654321"),
    }


def test_a_pair_of_variables_is_not_told_again_by_the_history():
    pairing = Detector(RuleSet.of([ID, PAIR]), use_cache=False)  # alone, no half of it but the id is anything
    env = ["ACME_ID=acc_123456", f"ACME_TOKEN={SECRET}"]
    for steps in (["ENV " + " ".join(env)], [f"ENV {pair}" for pair in env]):
        about = image({"Env": env}, history=[{"created_by": step, "empty_layer": True} for step in steps])
        matches, _ = scan_config(about, align(about.config, 0).instructions, pairing)
        assert [(found.field.key, found.match.rule_id) for found in matches] == [("config.Env[ACME_TOKEN]", "pair")]


def step(created_by, *, comment=None, empty=True, author=None):
    entry = {"created_by": created_by, "empty_layer": empty, "comment": comment, "author": author}
    return {key: value for key, value in entry.items() if value is not None}


def told(about):
    instructions = align(about.config, 0).instructions
    matches, notices = scan_config(about, instructions, DETECTOR)
    assert not notices
    return [
        (str(found.field.where), found.field.key, instructions[index].text if index is not None else None)
        for found in matches
        for index in [found.field.instruction]
    ]


@pytest.mark.parametrize(
    ("config", "where", "key"),
    [
        ({"Env": [f"TOKEN={SECRET}"]}, "env", "config.Env[TOKEN]"),
        ({"Labels": {"note": SECRET}}, "label", "config.Labels[note]"),
        ({"Cmd": ["run", "--token", SECRET]}, "cmd", "config.Cmd"),
        ({"Entrypoint": ["/bin/sh", "-c", f"run {SECRET}"]}, "entrypoint", "config.Entrypoint"),
        ({"Healthcheck": {"Test": ["CMD", SECRET]}}, "healthcheck", "config.Healthcheck.Test"),
        ({"OnBuild": [f"RUN echo {SECRET}"]}, "onbuild", "config.OnBuild[0]"),
        ({"User": SECRET}, "cmd", "config.User"),
        ({"Volumes": {f"/{SECRET}": {}}}, "cmd", f"config.Volumes./{SECRET}"),
        ({"Unheard": {"of": [{"key": SECRET}]}}, "annotation", "config.Unheard.of[0].key"),
    ],
)
def test_every_field_of_the_run_configuration_is_scanned(config, where, key):
    assert told(image(config)) == [(where, key, None)]


def test_every_other_text_of_the_config_is_scanned():
    about = image(author=f"me {SECRET}", comment=OTHER, moby={"x": ["tok_aaaabbbbccccdddd"]})
    assert [item[:2] for item in told(about)] == [
        ("author", "author"),
        ("annotation", "comment"),
        ("annotation", "moby.x"),
    ]


@pytest.mark.parametrize(
    ("created_by", "where"),
    [
        (f"ENV T={SECRET}", "env"),
        (f"ARG T={SECRET}", "arg"),
        (f"LABEL t={SECRET}", "label"),
        (f'CMD ["{SECRET}"]', "cmd"),
        (f"RUN /bin/sh -c curl -H {SECRET} # buildkit", "history"),
        (f"/bin/sh -c #(nop)  MAINTAINER {SECRET}", "author"),
    ],
)
def test_history_is_scanned_and_told_by_its_instruction(created_by, where):
    (found,) = told(image(history=[step("FROM scratch"), step(created_by)]))
    assert found[:2] == (where, "history[1].created_by")


def test_comments_and_authors_of_history_are_scanned():
    about = image(history=[step("RUN x", comment=SECRET, author=OTHER)])
    assert [item[:2] for item in told(about)] == [("history", "history[0].comment"), ("author", "history[0].author")]


def test_an_env_in_config_and_history_is_one_finding_at_its_instruction():
    history = [step("ENV A=1"), step(f"ENV TOKEN={SECRET}"), step("RUN true")]
    assert told(image({"Env": ["A=1", f"TOKEN={SECRET}"]}, history=history)) == [
        ("env", "config.Env[TOKEN]", f"ENV TOKEN={SECRET}")
    ]


def test_an_env_that_was_set_anew_is_two_findings():
    history = [step(f"ENV TOKEN={OTHER}"), step(f"ENV TOKEN={SECRET}")]
    assert told(image({"Env": [f"TOKEN={SECRET}"]}, history=history)) == [
        ("env", "config.Env[TOKEN]", f"ENV TOKEN={SECRET}"),
        ("env", "history[0].created_by", f"ENV TOKEN={OTHER}"),
    ]


def test_a_build_arg_is_told_once_at_its_arg_instruction():
    run = f"RUN |1 TOKEN={SECRET} /bin/sh -c make # buildkit"
    history = [step("ARG TOKEN"), step(run), step(run.replace("make", "make install"))]
    assert told(image(history=history)) == [("arg", "history[1].created_by", "ARG TOKEN")]


def test_the_last_command_of_the_classic_builder_is_no_finding_of_its_own():
    line = f'/bin/sh -c #(nop)  CMD ["run" "{SECRET}"]'
    about = image(
        {"Cmd": ["run", SECRET]}, history=[step(line)], container_config={"Cmd": ["/bin/sh", "-c", line], "Env": []}
    )
    assert [item[:2] for item in told(about)] == [("cmd", "config.Cmd")]


def test_names_count_as_context():
    value = "0123456789abcdef"
    assert told(image({"Env": [f"ACME_KEY={value}"]}))
    assert told(image({"Labels": {"acme.key": value}}))
    assert told(image({"Cmd": ["run", "--acme-key", value]}))
    assert not told(image({"Env": [f"OTHER={value}"]}))


def test_annotations_are_scanned():
    about = image(annotations={"manifest.annotations[note]": SECRET})
    assert told(about) == [("annotation", "manifest.annotations[note]", None)]


def test_attestations_are_scanned_and_lines_of_an_embedded_dockerfile_told():
    args = {"build-arg:TOKEN": SECRET}
    statement = {
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": {"invocation": {"parameters": {"args": args}}},
    }
    about = image(attestations=[Attestation(Digest("sha256:" + "0" * 64), None, json.dumps(statement).encode())])
    assert told(about) == [("attestation", "provenance.build-arg:TOKEN", None)]


def test_a_config_with_too_many_texts_is_one_text_and_that_is_told():
    about = image({"Unheard": {str(number): "" for number in range(MAX_VALUES + 1)}})
    found, notices = fields(about, ())
    assert [field.text for field in found] == [about.config_json]
    assert [(notice.code, notice.incomplete) for notice in notices] == [("config-unreadable", True)]


def test_places_survive_a_rebuild():
    first = fields(image({"Env": ["A=1"]}, history=[step("ENV A=1")]), ())[0]
    second = fields(image({"Env": ["X=2", "A=1"]}, history=[step("RUN x"), step("ENV A=1")]), ())[0]
    assert {field.place for field in first} <= {field.place for field in second}
    assert Where.ENV in {field.where for field in first}
