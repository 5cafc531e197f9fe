"""Values that get their owner from what they stand in: the names around them, and the rules that know these names."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest

from imgscan.match import confirm, enclosing
from imgscan.match.detector import MAX_SPANS, Detector
from imgscan.match.enclosing import HEAD_BYTES, LEVELS, LOOK_BACK, around
from imgscan.match.naming import Naming
from imgscan.model.values import Confidence, Severity, Where
from imgscan.rules.load import RuleSet
from imgscan.rules.schema import GENERIC, Allow, Rule
from imgscan.scan.explain import explain
from tests.support.layers import scan_bytes, tar

VALUE = "3f9a1c7e5b2d8046"
UPPER = "3F9A1C7E5B2D8046"

SETTING = Rule(
    id="setting",
    title="Setting",
    provider=GENERIC,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    pattern=r"(?i:api_?key|token)[\"']?\]?\s?(?:=>|[:=]|\"\s?value=|>|,)\s{0,8}[\"']?(?P<secret>[\w+/=-]{8,80})",
    filters=("not-placeholder", "mixed:2"),
    examples=(f"api_key = {VALUE}",),
)
ACME = Rule(
    id="acme-key",
    title="Acme key",
    provider="acme",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    pattern=r"(?P<secret>[0-9a-f]{16})",
    keywords=("acme", "big corp token"),
    context="assignment",
    examples=("acme={hex:16}",),
)
OTHER = msgspec.structs.replace(ACME, id="other-key", provider="other", keywords=("other",))
DETECTOR = Detector(RuleSet.of([SETTING, ACME, OTHER]), use_cache=False)


def found(text, *rules, path="/srv/settings"):
    detector = Detector(RuleSet.of(rules), use_cache=False) if rules else DETECTOR
    matches, notices = detector.text(text.encode() if isinstance(text, str) else text, Where.FILE, path)
    assert not notices
    return [match.rule_id for match in matches]


def owners(text, *rules, path="/srv/settings"):
    """The rules that take ``VALUE`` for what it stands in, whatever they would see by themselves."""
    rules = rules or (SETTING, ACME, OTHER)
    naming = Naming(rules, lambda index: confirm.Confirmer(rules[index]))
    start = text.index(VALUE)
    found = naming.owners(memoryview(text.encode()), start, start + len(VALUE), Where.FILE, path)
    return [rules[index].id for index in found]


NESTED = {
    "yaml": f"web:\n  port: 80\nacme:\n  region: eu\n  api_key: {VALUE}\n",
    "yaml, two levels up": f"acme:\n  production:\n    api_key: {VALUE}\n",
    "yaml, blank and comment lines between": f"acme:\n\n# note\n  region: eu\n\n  api_key: {VALUE}\n",
    "yaml, list that is not indented": f"acme:\n- region: eu\n- api_key: {VALUE}\n",
    "yaml, name of an item": f"apis:\n  - name: acme\n    api_key: {VALUE}\n",
    "yaml, flow": f"acme: {{region: eu, api_key: {VALUE}}}\n",
    "yaml, value on the next line": f"acme:\n  api_key:\n    {VALUE}\n",
    "json": json.dumps({"web": {}, "acme": {"tags": ["a", {"b": 1}], "apiKey": VALUE}}),
    "json, pretty": json.dumps({"web": {}, "acme": {"tags": ["a", {"b": 1}], "apiKey": VALUE}}, indent=2),
    "json, list of objects": json.dumps({"acme": [{"apiKey": VALUE}]}),
    "json, word in a name": json.dumps({"myAcmeClient": {"apiKey": VALUE}}),
    "json, owner beside": json.dumps({"provider": "acme", "on": True, "apiKey": VALUE}),
    "ini": f"[web]\nport = 80\n[acme]\nregion = eu\napi_key = {VALUE}\n",
    "ini, crlf": f"[web]\r\nport = 80\r\n[acme]\r\napi_key = {VALUE}\r\n",
    "toml, table of tables": f'[apis.acme.production]\napi_key = "{VALUE}"\n',
    "toml, owner beside": f'[[apis]]\nname = "acme"\napi_key = "{VALUE}"\n',
    "xml": f"<x><web><a/></web><acme><region>eu</region><apiKey>{VALUE}</apiKey></acme></x>",
    "xml, pretty": f"<acme>\n  <region>eu</region>\n  <apiKey>{VALUE}</apiKey>\n</acme>",
    "xml, attribute": f'<acme><add name="region" value="eu"/><add key="apiKey" value="{VALUE}"/></acme>',
    "xml, owner beside": f"<server>\n<id>acme</id>\n<token>{VALUE}</token></server>",
    "hcl": f'provider "acme" {{\n  region = "eu"\n  api_key = "{VALUE}"\n}}\n',
    "terraform variable": f'variable "acme_token" {{\n  default = "x"\n  token = "{VALUE}"\n}}\n',
    "php": f"return ['web' => ['port' => 80],\n'acme' => [\n'api_key' => '{VALUE}',\n]];",
    "php, array()": f"'acme' => array('a' => f(1), 'api_key' => '{VALUE}')",
    "php, path": f"$config['acme']['api_key'] = '{VALUE}';",
    "javascript": f"const acme = {{\n  region: 'eu',\n  apiKey: '{VALUE}',\n}};",
    "javascript, constructor": f"const client = new Acme({{ region: 'eu', apiKey: '{VALUE}' }});",
    "python, call": f'client = acme.Client(retries=max(1, 2), api_key="{VALUE}")',
    "python, class": f'class AcmeSink:\n    def __init__(self):\n        self.api_key = "{VALUE}"\n',
    "c#, brace on its own line": f'class AcmeClient\n{{\nconst string ApiKey = "{VALUE}";',
    "ruby": f"Acme.configure do |c|\n  c.api_key = '{VALUE}'\nend\n",
    "dotenv, comment above": f"PORT=80\n\n# Acme\nREGION=eu\nAPI_KEY={VALUE}\n",
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_the_owner_is_known_from_what_a_value_stands_in(text):
    assert owners(text) == found(text) == ["acme-key"]
    assert found(text.replace("acme", "web").replace("Acme", "Web").replace("other", "x")) == ["setting"]


NOT_AROUND = {
    "yaml, block before": f"acme:\n  region: eu\nweb:\n  api_key: {VALUE}\n",
    "yaml, block behind": f"web:\n  api_key: {VALUE}\nacme:\n  region: eu\n",
    "yaml, other item": f"apis:\n  - acme: 1\n  - api_key: {VALUE}\n",
    "yaml, value of a setting beside": f"web:\n  url: acme\n  api_key: {VALUE}\n",
    "json, closed before": json.dumps({"acme": {"region": "eu"}, "web": {"apiKey": VALUE}}),
    "json, closed within": json.dumps({"web": {"acme": {"region": "eu"}, "apiKey": VALUE}}),
    "json, owner of another": json.dumps([{"provider": "acme"}, {"apiKey": VALUE}]),
    "ini, section before": f"[acme]\nregion = eu\n[web]\napi_key = {VALUE}\n",
    "xml, closed before": f"<x><acme><a>1</a></acme><web><apiKey>{VALUE}</apiKey></web></x>",
    "xml, empty before": f"<web><acme/><apiKey>{VALUE}</apiKey></web>",
    "part of a word": f"pacmen:\n  api_key: {VALUE}\n",
    "beginning of a word": f"acmeist:\n  api_key: {VALUE}\n",
    "comment of another paragraph": f"# Acme\nREGION=eu\n\nAPI_KEY={VALUE}\n",
    "setting that is commented out": f"# ACME_REGION=eu\nAPI_KEY={VALUE}\n",
    "further away than is looked": "acme:\n" + "  region: eu\n" * (LOOK_BACK // 12) + f"  api_key: {VALUE}\n",
}


@pytest.mark.parametrize("text", NOT_AROUND.values(), ids=NOT_AROUND)
def test_a_name_that_is_not_around_a_value_says_nothing_of_it(text):
    assert owners(text) == []
    assert "setting" in found(text.replace("acme", "web").replace("Acme", "Web").replace("ACME", "WEB"))


def test_the_nearest_name_counts():
    assert owners(f"acme:\n  other:\n    api_key: {VALUE}\n") == ["other-key"]
    assert owners(f"other:\n  acme:\n    api_key: {VALUE}\n") == ["acme-key"]


def test_a_value_that_does_not_fit_the_owner_keeps_its_generic_name():
    assert found(f"acme:\n  api_key: {VALUE}00\n") == ["setting"]
    assert found(f"acme:\n  api_key: {UPPER}\n") == ["setting"]
    assert found(f"acme:\n  api_key: {VALUE}\n", SETTING, msgspec.structs.replace(ACME, filters=("mixed",))) == [
        "setting"
    ]


def test_a_value_that_the_generic_rule_turns_down_may_have_an_owner():
    strict = msgspec.structs.replace(SETTING, filters=("not-hex",))
    assert found(f"web:\n  api_key: {VALUE}\n", strict, ACME) == []
    assert found(f"acme:\n  api_key: {VALUE}\n", strict, ACME) == ["acme-key"]


def test_a_keyword_of_several_words_may_begin_around_a_value_and_end_in_its_key():
    assert found(f"big-corp:\n  token: {VALUE}\n") == ["acme-key"]
    assert found(f"BigCorp:\n  production:\n    token: {VALUE}\n") == ["acme-key"]
    assert found(f'big_corp.Client(token="{VALUE}")') == ["acme-key"]
    assert found(f"big-corp:\n  api_key: {VALUE}\n") == ["setting"]


@pytest.mark.parametrize("name", ["BIG_CORP_PROD_TOKEN", "my_big_corp_staging2_token", "bigCorpTestToken"])
def test_words_that_say_nothing_may_stand_within_a_keyword(name):
    assert owners(f"{name}={VALUE}") == ["acme-key"]


def test_the_name_of_a_file_or_its_folder_tells_the_owner_when_nothing_else_does():
    assert found(f"api_key: {VALUE}\n", path="/etc/acme.yaml") == ["acme-key"]
    assert found(f"api_key: {VALUE}\n", path="/etc/acme-agent/main.yaml") == ["acme-key"]
    assert found(f"api_key: {VALUE}\n", path="/acme/etc/main.yaml") == ["setting"]
    assert found(f"other:\n  api_key: {VALUE}\n", path="/etc/acme.yaml") == ["other-key"]
    assert found(f"token: {VALUE}\n", path="/etc/big-corp.yaml") == ["setting"]


def test_a_rule_that_lets_go_what_it_sees_around_its_value_is_not_asked():
    careful = msgspec.structs.replace(ACME, allow=(Allow(regexes=("test",), target="line"),))
    assert owners(f"acme:\n  api_key: {VALUE}\n", SETTING, careful) == []


def test_without_rules_of_no_provider_nothing_further_out_is_looked_at():
    assert owners(f"acme:\n  api_key: {VALUE}\n", ACME) == []
    assert Detector(RuleSet.of([ACME]), use_cache=False).reach == ACME.window


def test_what_a_match_says_is_the_same_as_of_one_with_the_keyword_in_front():
    matches, _ = DETECTOR.text(f"acme:\n  api_key: {VALUE}\n".encode(), Where.FILE, "/x")
    (match,) = matches
    assert (match.line, match.column, match.secret.value, match.redacted) == (2, 12, VALUE.encode(), "…")
    assert match.snippet == "  api_key: …"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


TOKEN = Rule(
    id="exact",
    title="Exact",
    provider="exact",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    pattern=r"\b(?P<secret>tk-[0-9a-f]{16})\b",
    examples=("tk-{hex:16}",),
)


def test_a_value_in_base64_is_read_under_its_own_name():
    text = f"data:\n  acme_token: {encoded(VALUE)}\n  other-token: {encoded(VALUE + chr(10))}\n"
    matches, _ = DETECTOR.text(text.encode(), Where.FILE, "/x")
    assert [(match.rule_id, match.decoded, match.secret.value.decode()) for match in matches] == [
        ("acme-key", ("base64",), VALUE),
        ("other-key", ("base64",), VALUE),
    ]
    assert matches[0].written.value == encoded(VALUE).encode()
    assert matches[0].snippet == "  acme_token: …"


def test_a_part_of_what_a_value_says_in_base64_has_its_place():
    text = f"token: {encoded('user:tk-' + VALUE + ':x')}\n"
    detector = Detector(RuleSet.of([SETTING, TOKEN]), use_cache=False)
    match = next(match for match in detector.text(text.encode(), Where.FILE, "/x")[0] if match.rule_id == "exact")
    assert (match.secret.value, match.decoded) == (f"tk-{VALUE}".encode(), ("base64",))
    assert match.start == len("token: ") + len("user:") * 8 // 6


@pytest.mark.parametrize("value", [encoded("not one word: " + VALUE), encoded("\x01" + VALUE), VALUE + VALUE, "A" * 16])
def test_what_is_no_word_in_base64_is_left_alone(value):
    assert set(found(f"acme_data:\n  x_token: {value}x\n")) <= {"setting"}


def test_so_many_values_without_owner_are_looked_at_and_no_more():
    text = "acme:\n" + f"  api_key: {VALUE}\n" * (MAX_SPANS + 50)
    detector = Detector(RuleSet.of([SETTING, ACME]), use_cache=False)
    matches, notices = detector.text(text.encode(), Where.FILE, "/x")
    assert {notice.code for notice in notices} == {"too-many-matches"}
    assert len(matches) == MAX_SPANS


def test_that_not_all_values_were_asked_for_their_owner_is_told_though_no_rule_takes_them():
    matches, notices = DETECTOR.text(b"api_key: wkrtzplmvb\n" * MAX_SPANS, Where.FILE, "/x")
    assert not matches
    assert [(notice.code, notice.where) for notice in notices] == [("too-many-matches", "/x")]


def test_a_rule_that_takes_too_long_on_one_value_is_not_asked_about_the_next(monkeypatch):
    monkeypatch.setattr(confirm, "TIMEOUT_SECONDS", 0.01)
    slow = msgspec.structs.replace(ACME, pattern=r"(?P<secret>(?:(?:a|a)|a)+c)", anchor="acme=a")
    detector = Detector(RuleSet.of([msgspec.structs.replace(SETTING, filters=()), slow]), use_cache=False)
    text = f"acme:\n  api_key: {'a' * 60}\n  token: {'a' * 60}\n"
    matches, notices = detector.text(text.encode(), Where.FILE, "/x")
    assert [match.rule_id for match in matches] == ["setting", "setting"]
    assert [(notice.code, notice.incomplete) for notice in notices] == [("match-timeout", True)]


@pytest.mark.parametrize("block_bytes", [512, 1024, 4096])
@pytest.mark.parametrize("codec", ["ascii", "utf-16"])
def test_a_name_is_seen_whatever_windows_a_layer_is_scanned_in(block_bytes, codec):
    text = "\n" * 700 + "acme:\n" + "  region: eu\n" * 300 + f"  api_key: {VALUE}\n" + "\n" * 9000
    scan = scan_bytes(tar({"a": text.encode(codec)}), detector=DETECTOR, block_bytes=block_bytes)
    assert [item.match.rule_id for item in scan.matches if item.match.rule_id != "setting"] == ["acme-key"]


def test_why_a_rule_found_something_further_out_than_it_looks_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path))
    text = "acme:\n" + "  region: eu\n" * 20 + f"  api_key: {VALUE}\n"
    told = explain(text.encode(), RuleSet.of([SETTING, ACME]))
    lines = {one.rule_id: one.lines for one in told}
    assert lines["acme-key"] == (
        "takes the value at 22:12 (…, 16 bytes) that a generic rule matches, for what it stands in: found",
    )
    assert lines["setting"][-1].endswith("gives way to acme-key at 22:12")


def test_names_come_apart_into_words():
    assert enclosing.words(b"pineconeApi-Key") == ("pinecone", "api", "key")
    assert enclosing.words(b"HTTPSProxy_apikey") == ("https", "proxy", "api", "key")
    assert enclosing.words(b'resource "influxdb_token" "x2"') == ("resource", "influx", "db", "token", "x2")
    assert enclosing.words(b"\xff{}") == ()


def test_no_more_names_are_told_than_mean_something():
    before = b"".join(b'{"k%d": ' % number for number in range(50)) + b'{"token": "'
    enclosure = around(before)
    assert enclosure.own == ("token",)
    assert [path[0] for path in enclosure.paths] == [("k49",)]
    assert {len(path) for path in enclosure.paths} == {LEVELS}


def test_a_long_line_is_no_name():
    assert all(len(word) <= HEAD_BYTES for word in around(b"x" * 300 + b"{").own)
