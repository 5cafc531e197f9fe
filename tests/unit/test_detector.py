"""Both stages on texts: windows, keywords, filters, precedence, places and redaction."""

from __future__ import annotations

import base64
import dataclasses
import time

import msgspec
import pytest

from imgscan.errors import RuleError
from imgscan.match import confirm, precedence
from imgscan.match.detector import MAX_SPANS, Detector
from imgscan.model.values import Confidence, Where
from imgscan.rules.load import RuleSet
from tests.support.layers import DETECTOR, NEAR, TOKEN

SECRET = "tok_abcdefgh01234567"


def found(text, *rules, where=Where.FILE):
    detector = Detector(RuleSet.of(rules), use_cache=False) if rules else DETECTOR
    matches, notices = detector.text(text.encode(), where, "text")
    assert not notices
    return matches


def changed(rule, **changes):
    return msgspec.structs.replace(rule, **changes)


def test_a_match_knows_its_place():
    (match,) = found(f"first\nkey = {SECRET} # note\n")
    assert (match.line, match.column, match.end_line, match.end_column) == (2, 7, 2, 27)
    assert (match.start, match.end, match.secret.value) == (12, 32, SECRET.encode())


def test_a_match_of_several_lines_ends_on_the_last():
    (match,) = found("x\nBEGIN-abc\ndefghijklm\n-END\n")
    assert (match.line, match.column, match.end_line, match.end_column) == (2, 1, 4, 5)


def test_binary_text_has_offsets_and_no_lines():
    (match,) = found(f"\0\n\n{SECRET}\0")
    assert (match.line, match.column, match.start) == (None, None, 3)


def test_a_rule_for_texts_finds_nothing_in_binary_ones():
    rule = changed(TOKEN, texts_only=True)
    assert found(f"a {SECRET}", rule)
    assert not found(f"\0 {SECRET}", rule)
    assert found(f"\0 {SECRET}", rule, changed(TOKEN, id="anywhere"))


def test_what_is_shown_of_a_line_holds_none_of_its_secrets():
    matches = found(f"a={SECRET} b=tok_0123456789abcdef acme_key=0123456789abcdef")
    assert len(matches) == 3
    assert {match.snippet for match in matches} == {"a=tok_… b=tok_… acme_key=…"}


def test_only_the_neighbourhood_of_a_long_line_is_shown():
    (match,) = found("x" * 5000 + f" {SECRET} " + "y" * 5000)
    assert len(match.snippet) < 200


def test_a_word_that_would_be_cut_is_not_shown():
    long = "x9" * 40  # perhaps half of a secret that another file has
    (match,) = found(f'first="{long}" {SECRET} other="{long}"')
    assert match.snippet == " tok_… other="


def test_control_characters_are_shown_as_escapes():
    (match,) = found(f"\x1b[31m{SECRET}\x07")
    assert match.snippet == "\\x1b[31mtok_…\\x07"


@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\u003d", "%3D", "\x1b[0;32m"])
def test_an_escape_in_front_of_a_token_is_a_boundary(escape):
    assert found(f"x{escape}{SECRET}")
    assert not found(f"x{escape[-1]}{SECRET}")


def test_the_repr_of_a_match_holds_no_secret():
    (match,) = found(SECRET)
    assert "abcdefgh" not in repr(match)


def test_a_pattern_that_ends_at_the_edge_of_a_window_is_seen_whole():
    wide = changed(TOKEN, pattern=r"(?P<secret>tok_[a-z]{4,400})(?![a-z])", window=40)
    assert [match.end for match in found("tok_" + "a" * 300, wide)] == [304]
    assert not found("tok_" + "a" * 300 + "a" * 200, wide)


@pytest.mark.parametrize("where", list(Where))
def test_a_rule_may_be_for_some_places_only(where):
    only = changed(TOKEN, where=(Where.ENV, Where.ARG))
    assert bool(found(SECRET, only, where=where)) is (where in only.where)


def test_keywords_may_stand_before_or_behind_or_in_any_case():
    near = changed(TOKEN, keywords=("acme",))
    assert found(f"ACME\n{SECRET}", near)
    assert found(f"{SECRET} for Acme", near)
    assert not found(f"other {SECRET}", near)
    assert not found("acme" + " " * 300 + SECRET, near)


@pytest.mark.parametrize(
    "text",
    [
        "ACME_API_KEY={}",
        'export ACME_KEY="{}"',
        '{{"acme": "{}"}}',
        '{{\\"acmeKey\\":\\"{}\\"}}',
        "acme-key: {}",
        "acme.key = '{}'",
        "<acmeKey>{}</acmeKey>",
        "--acme-key {}",
        "--acme-key={}",
        "?acme_key={}&x=1",
        'acme_key: str = "{}"',
        'os.environ.get("ACME_KEY", "{}")',
        'setAcmeKey("{}")',
        "- name: ACME_KEY\n  value: {}",
        '"name": "ACME_KEY", "value": "{}"',
        "ENV ACME_KEY {}",
        "Acme API key: {}",
        "'acme' => '{}'",
        "acme := `{}`",
        "myAcmeKey = {}",
        "ACME_KEY ?= {}",
        'const ACME_KEY: &\'static str = "{}";',
        "<key>AcmeKey</key>\n  <string>{}</string>",
        "https://api.acme.io/v1/items?limit=1&api_key={}&x=1",
        "https://acme.io/?token={}",
        "acme =\n    '{}'",
        "# acme\n{}\n",
        "## Acme\n\n{}\n",
        "* Acme API key:\n`{}`\n",
        "**Acme key**: {}",
        "acme_key <- '{}'",
        "${{ACME_KEY:-{}}}",
        'kAcmeKey = @"{}"',
        "Acme::Configuration.private_key = '{}'",
        "the acme api key is {}",
        '<meta name="acme-key" content="{}">',
        "ParameterKey=AcmeKey,ParameterValue={}",
    ],
)
def test_an_assignment_is_understood_in_every_spelling(text):
    (match,) = found(text.format("0123456789abcdef"), NEAR)
    assert match.secret.value == b"0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        "acme {{0123456789abcdef}}",
        "acme_key = 0123456789abcdef(1)",
        "acme + 0123456789abcdef",
        "acme;0123456789abcdef",
        "other=0123456789abcdef",
        "x  lib/acme.py\n0123456789abcdef",
        "pacme=0123456789abcdef",
        "PACME=0123456789abcdef",
        "# acme is called with\n0123456789abcdef as a parameter\n",
        "acme, see the key 0123456789abcdef9",
        "acme: {{}}\nother_key: 0123456789abcdef",
        "acme:\n  region: eu\nother:\n  api_key: 0123456789abcdef",
        "acme of the token commit: 0123456789abcdef",
        '{"acme_key":"test-key","etag":"W/\\"0123456789abcdef\\""}',
        "about acme\n\nits key: 0123456789abcdef",
        "## Acme\n\n\n0123456789abcdef",
        "acme key of long ago and far away, which was " + "never " * 20 + "secret: 0123456789abcdef",
    ],
)
def test_what_is_no_assignment_is_none(text):
    assert not found(text, NEAR)


@pytest.mark.parametrize(
    "text",
    [
        'fetch("https://api.acme.io/v1/items", {{\n  headers: {{ Authorization: `Bearer {}` }} }})',
        'requests.get("https://api.acme.io/v1/items", headers={{"Authorization": "{}"}})',
        "12:00:01 INFO [acme] client started with key {}",
        "INFO loading acme integration\n10:11:13 DEBUG credential: {}",
        "client = Acme::Client.new(api_key: '{}')",
        "Acme.configure do |config|\n  config.api_token = '{}'",
        "acme:\n  region: eu\n  api_key: {}",
        '{{"acme": {{"region": "eu", "secret": "{}"}}}}',
    ],
)
def test_a_value_that_is_said_to_be_a_secret_may_stand_a_few_words_away(text):
    (match,) = found(text.format("0123456789abcdef"), NEAR)
    assert match.secret.value == b"0123456789abcdef"


def test_a_known_provider_wins_over_none():
    generic = changed(TOKEN, id="generic", provider="generic", pattern=r"(?P<secret>key=tok_\w+)")
    assert [match.rule_id for match in found(f"key={SECRET}", generic, TOKEN)] == ["token"]


def test_a_surer_rule_wins_and_then_the_longer_secret():
    short = changed(TOKEN, id="short", pattern=r"(?P<secret>tok_\w{4})")
    doubtful = changed(TOKEN, id="doubtful", confidence=Confidence.LOW, pattern=r"(?P<secret>x=tok_\w+)")
    assert [match.rule_id for match in found(f"x={SECRET}", short, doubtful, TOKEN)] == ["token"]


def test_the_other_half_of_a_credential_is_no_finding_of_its_own():
    pair = changed(TOKEN, id="pair", pattern=r"id-\d+ (?P<secret>tok_\w{16})")
    half = changed(TOKEN, id="half", pattern=r"(?P<secret>id-\d+)")
    assert [match.rule_id for match in found(f"id-77 {SECRET}", half, pair)] == ["pair"]
    assert [match.rule_id for match in found("id-77 alone", half, pair)] == ["half"]


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("id_1234\nACME_KEY=0123456789abcde7\n", ["near"]),  # the name is nearer than the id
        ("acme_key: [id_1234, 0123456789abcde7]\n", ["pair"]),
        ("id_1234\nOWN_ACME_KEY=0123456789abcde7\n", ["pair"]),
    ],
)
def test_a_secret_with_the_name_of_another_is_no_half_of_a_pair(text, owners):
    pair = changed(
        NEAR,
        id="pair",
        provider="other",
        confidence=Confidence.HIGH,
        context="near",
        keywords=(),
        pattern=r"\b(?P<id>id_[0-9]{4})\b[\s\S]{1,60}?\b(?P<secret>[0-9a-f]{16})\b",
    )
    own = changed(NEAR, id="own", provider="other", keywords=("own",))
    assert [match.rule_id for match in found(text, NEAR, pair, own)] == owners


def test_secrets_of_nobody_in_particular_do_not_hide_each_other():
    wide = changed(TOKEN, id="wide", provider="generic", pattern=r"curl \S+ -u x:(?P<secret>\w{24})")
    token = changed(TOKEN, provider="generic")
    assert [match.rule_id for match in found(f"curl ?t={SECRET} -u x:{'p9' * 12}", token, wide)] == ["token", "wide"]


def test_thousands_of_matches_that_overlap_like_links_of_a_chain_are_weighed_in_time():
    (match,) = found(SECRET)
    chain = [
        dataclasses.replace(match, start=at, end=at + 20, whole_start=at - 30, whole_end=at + 30)
        for at in range(0, 400_000, 40)
    ]
    started = time.process_time()
    assert precedence.resolve(chain, DETECTOR.rules.by_id) == chain
    assert time.process_time() - started < 2


def test_two_secrets_on_a_line_are_two_matches():
    assert len(found(f"{SECRET} {SECRET}")) == 2


def test_a_list_of_secrets_is_cut_and_that_is_told():
    matches, notices = DETECTOR.text(f"{SECRET}\n".encode() * (MAX_SPANS + 5), Where.FILE, "list.txt")
    assert len(matches) == MAX_SPANS
    assert [(notice.code, notice.where) for notice in notices] == [("too-many-matches", "list.txt")]


def test_what_was_left_out_of_a_list_is_not_shown_beside_what_was_not():
    matches, _ = DETECTOR.text(b" ".join(b"tok_%016d" % number for number in range(MAX_SPANS + 5)), Where.FILE, "list")
    assert {match.snippet for match in matches} == {"tok_…"}


def test_a_pattern_that_takes_too_long_is_told(monkeypatch):
    monkeypatch.setattr(confirm, "TIMEOUT_SECONDS", 0.01)
    slow = changed(TOKEN, pattern=r"(?P<secret>tok_(?:(?:a|a)|a)+c)", anchor="tok_a")
    detector = Detector(RuleSet.of([slow]), use_cache=False)
    matches, notices = detector.text(b"tok_" + b"a" * 60, Where.FILE, "slow.txt")
    assert not matches
    assert [(notice.code, notice.where, notice.incomplete) for notice in notices] == [
        ("match-timeout", "slow.txt", True)
    ]


def test_a_text_that_nearly_matches_everywhere_is_told():
    keyed = changed(TOKEN, pattern=r"(?i:key)=(?P<secret>tok_[a-z]{20})", anchor="key=")
    detector = Detector(RuleSet.of([keyed]), use_cache=False)
    matches, notices = detector.text(b"key=tok_ " * (confirm.MAX_TRIES + 1), Where.FILE, "many.txt")
    assert not matches
    assert [(notice.code, notice.incomplete) for notice in notices] == [("match-timeout", True)]


@pytest.mark.parametrize("pattern", ["no group", r"(?P<other>x)", "(?P<secret>("])
def test_a_pattern_without_a_secret_is_refused(pattern):
    with pytest.raises(RuleError):
        confirm.compile_pattern(changed(TOKEN, pattern=pattern))


@pytest.mark.parametrize("before", ["", ":", "a:", "user:", "some text before "])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_found_with_its_place(before, alphabet):
    text = "first\n  token: " + alphabet(f"{before}{SECRET} and more".encode()).decode() + "\n"
    (match,) = found(text)
    assert (match.secret.value, match.decoded, match.line) == (SECRET.encode(), ("base64",), 2)
    assert SECRET not in match.snippet
    assert match.written.value.decode() not in match.snippet
    assert match.written.value.decode() in text


def test_base64_of_something_else_is_none():
    assert not found(base64.b64encode(b"tok_but-not-a-token-at-all" * 9).decode())
    assert not found(base64.b64encode(b"x" + SECRET.encode() + b"x").decode())
