"""Every rule has a guide, every guide says something in every section and format, and its links lead to real places."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit

import msgspec
import pytest

from imgscan.cli import guide_text
from imgscan.guides import load, render, snippets
from imgscan.guides.compose import Subject, Wanted, compose
from imgscan.guides.leak import Leak
from imgscan.guides.page import SECTIONS, Code, Steps
from imgscan.guides.schema import Guide, Guides, Kind
from imgscan.guides.summary import MAX_STEPS, summary
from imgscan.model.values import Confidence, Severity
from imgscan.rules.load import packaged
from imgscan.rules.schema import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = packaged()
FOUND = {found.guide.id: found for found in map(load.for_rule, RULES)}
"""The guides that rules lead to; those that only a provider leads to are in the index."""

WRITTEN = {name: load.named(name) for name in load.index()}
EVERY = {**FOUND, **{name: found for name, found in WRITTEN.items() if found}}
OWN = ("what", "risk", "contain", "generate")
"""Sections that differ most between guides: folding text is slow."""

LINK = re.compile(r"[a-z]+://[^\s<>\"'`)\]|]+")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
UNFILLED = re.compile(
    r"\{(?:docs|variable|path|field|repository|reference|manifest|secret_id|step|keyword|removed_by)\}"
)
LEFT = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b|[Ll]orem ipsum")


class Tags(HTMLParser):
    """Checks that what is opened is closed, and remembers what would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: Counter[str] = Counter()

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser


def texts(guide: Guide) -> Iterator[str]:
    """Every text of a guide with its commands and links."""
    content = msgspec.to_builtins(guide)
    for value in content.values():
        for item in value if isinstance(value, list | tuple) else [value]:
            yield from (str(part) for part in (item.values() if isinstance(item, dict) else [item]) if part)


def test_every_rule_leads_to_a_guide(record_property):
    extents = Counter(load.for_rule(rule).extent for rule in RULES if rule.provider != "generic")
    record_property("guides", dict(extents))
    assert extents["composed"] == 0, "a rule's provider has no guide: write a short one"
    assert extents["full"] > 400


@pytest.mark.parametrize(
    "name",
    [
        *("pinecone", "azure-devops", "registry-login", "database-password", "password-hash", "url-password"),
        *("hard-coded-secret", "jwt", "private-key"),
    ],
)
def test_these_guides_are_written_in_full(name):
    found = load.named(name)
    assert found
    assert found.extent == "full"
    guide = found.guide
    assert all((guide.looks, guide.scopes, guide.risk, guide.leaks, guide.contain, guide.abuse))
    assert all((guide.stops, guide.generate, guide.practice, guide.see_also))


def test_a_rule_without_a_guide_gets_one_from_itself():
    rule = Rule(
        id="acme-key",
        title="Acme Cloud API key",
        provider="acme",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        pattern="",
        examples=(),
        references=("https://docs.acme.example/keys",),
        revoke_url="https://acme.example/keys",
    )
    found = load.for_rule(rule)
    assert found.extent == "composed"
    guide = found.guide
    assert (guide.id, guide.name, guide.variable) == ("acme", "Acme Cloud", "ACME_KEY")
    assert (guide.docs, guide.console) == ("https://docs.acme.example/keys", "https://acme.example/keys")


def test_a_rule_that_names_no_page_at_all_still_has_a_link():
    rule = Rule(
        id="7-key",
        title="Password of seven",
        provider="7",
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        pattern="",
        examples=(),
    )
    guide = load.for_rule(rule).guide
    assert guide.docs == load.UNDOCUMENTED
    assert guide.variable == "KEY_7_KEY"
    assert guide.name == "the system that accepts it"


def test_every_kind_has_texts_and_no_other():
    assert set(load.kinds()) == set(get_args(Kind))
    assert all(kind.risk and kind.abuse and kind.stops for kind in load.kinds().values())


def test_guides_cut_out_of_files_are_those_of_the_whole_files():
    folder = resources.files("imgscan.guides") / "providers"
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    whole = [
        guide for file in files for guide in msgspec.convert(tomllib.loads(file.read_text("utf-8")), Guides).guides
    ]
    twice = [name for name, count in Counter(guide.id for guide in whole).items() if count > 2]
    assert not twice
    assert {guide.id for guide in whole} == set(load.index())
    assert all(WRITTEN[guide.id] for guide in whole)


def test_no_two_full_guides_and_no_two_short_ones_share_an_id():
    folder = resources.files("imgscan.guides") / "providers"
    ids = Counter(
        (file.name.startswith(load.SHORT), guide.id)
        for file in folder.iterdir()
        if file.name.endswith(".toml")
        for guide in load.parse(file.read_text("utf-8"))
    )
    assert [name for name, count in ids.items() if count > 1] == []


def test_every_guide_is_sound():
    for name, found in EVERY.items():
        guide = found.guide
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,99}", guide.variable), name
        assert guide.about.endswith((".", "!", ":")), name
        for text in texts(guide):
            assert text.removesuffix(" ") == text.strip(), name  # TOML's closing quotes cannot follow a quote
            assert not LEFT.search(text), name
            for link in LINK.findall(text):
                if link.startswith("http"):
                    assert_real(link)


def assert_real(link: str) -> None:
    found = urlsplit(link)
    host = found.hostname or ""
    if found.username or host in ("localhost", "127.0.0.1") or re.search(r"[A-Z]{3}|[$%{<*…]", link):
        return  # an example of a form, or a placeholder in a command
    assert found.scheme == "https", link
    assert HOST.fullmatch(host), link


def test_every_guide_renders_in_every_format():
    for name, found in EVERY.items():
        page = compose(Subject(found, found.guide.name), Wanted(languages=["python"], stores=["vault"]))
        assert [section.id for section in page.sections] == list(SECTIONS)
        assert all(section.parts for section in page.sections), name
        assert json.loads(render.json(page))["guide"] == name
        assert_filled(shown := render.markdown(page), name)
        assert shown.count("```") % 2 == 0, name
        assert all(f"## {title}" in shown for title in SECTIONS.values()), name
        assert_filled(shown := render.to_html(page), name)
        parsed = tags(shown)
        assert parsed.seen["section"] == len(SECTIONS), name
        assert all(link.startswith(("https://", "#")) for link in parsed.links), name
        own = compose(Subject(found, found.guide.name), Wanted(OWN))
        assert_filled(shown := guide_text.render(own, color=False, width=100), name)
        assert all(SECTIONS[section].upper() in shown for section in OWN), name


def assert_filled(text: str, name: str) -> None:
    assert not UNFILLED.search(text), name


def test_only_what_is_wanted_is_there():
    page = compose(Subject(EVERY["pinecone"], "Pinecone"), Wanted(["prevent"], ["go"], ["vault"]))
    assert [section.id for section in page.sections] == ["prevent"]
    code = [part for part in page.sections[0].parts if isinstance(part, Code) and part.language in snippets.LANGUAGES]
    assert [part.title for part in code] == ["Go, HashiCorp Vault"]


def test_a_text_of_a_kind_with_an_unknown_placeholder_is_an_error():
    """So the tests above prove that every one is filled."""
    guide = msgspec.structs.replace(EVERY["pinecone"].guide, risk=(), contain=(), abuse=(), stops=(), generate=())
    for kind in get_args(Kind):
        found = load.Found(msgspec.structs.replace(guide, kind=kind), "short")
        page = compose(Subject(found, "Pinecone"))
        assert "{" not in re.sub(r"(?s)```.*?```|`[^`]*`", "", render.markdown(page))


HOSTILE = Leak(
    fingerprint="f" * 32,
    place="`</code><script>alert(1)</script>`",
    fate="**gone** <b>",
    reference="x`$(reboot)`:1; rm -rf /",
    repository="a b",
    manifest="sha256:`",
    layer="sha256:<img src=x>",
    step="step 1/2",
    instruction="RUN `evil` <script>\n" + "x" * 5000,
    lines="Dockerfile:1",
)


def test_a_finding_of_a_hostile_report_runs_nothing_and_is_pasted_nowhere():
    page = compose(Subject(EVERY["pinecone"], "<script>", leak=HOSTILE))
    html = render.to_html(page)
    parsed = tags(html)
    assert not parsed.seen["script"] + parsed.seen["img"] + parsed.seen["b"]
    commands = [part for section in page.sections for part in section.parts if isinstance(part, Steps)]
    assert "reboot" not in repr([step.command for part in commands for step in part.steps])
    assert len(html) < 300_000


def test_a_finding_fills_in_its_image():
    leak = Leak(
        "f" * 32, "/app/.env:3:18", "visible at run time", "registry.example.com/team/app:1",
        "registry.example.com/team/app", "sha256:" + "a" * 64, "sha256:" + "b" * 64, "step 3/9", "COPY .env /app/",
        "Dockerfile:3",
    )  # fmt: skip
    shown = render.markdown(compose(Subject(EVERY["pinecone"], "Pinecone", leak=leak), Wanted(["contain"])))
    assert f"skopeo delete docker://registry.example.com/team/app@sha256:{'a' * 64}" in shown
    assert f"`sha256:{'b' * 64}`" in shown
    assert "put there by step 3/9 `COPY .env /app/` (`Dockerfile:3`)" in shown


def test_what_is_found_gives_the_code_its_name():
    page = compose(Subject(EVERY["pinecone"], "Pinecone", variable="MY_KEY"), Wanted(["prevent"]))
    assert "MY_KEY" in render.markdown(page)
    assert "prod/pinecone/my-key" in render.markdown(page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & `c < d`", "a &lt; b &amp; <code>c &lt; d</code>"),
        ("**now**", "<strong>now</strong>"),
        (
            "see https://a.example/b?c=d&e.",
            'see <a href="https://a.example/b?c=d&amp;e" rel="noreferrer">https://a.example/b?c=d&amp;e</a>.',
        ),
        ("[docs](https://a.example)", '<a href="https://a.example" rel="noreferrer">docs</a>'),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
    ],
)
def test_markdown_of_a_text_becomes_html(text, shown):
    assert render.inline_html(text) == shown


def test_text_for_terminals_has_no_escapes_unless_it_may():
    page = compose(Subject(EVERY["pinecone"], "Pin\x1b[31mecone"))
    plain = guide_text.render(page, color=False, width=60)
    assert "\x1b" not in plain
    assert "\x1b[1m" in guide_text.render(page, color=True, width=60)


@pytest.mark.parametrize("rule", RULES[:: len(RULES) // 60], ids=lambda rule: rule.id)
def test_a_report_gets_one_sentence_and_some_steps(rule):
    told = summary(rule)
    assert told.sentence.endswith(".")
    assert "{" not in told.sentence
    assert 2 <= len(told.steps) <= MAX_STEPS + 1
    assert not any("`" in step or "**" in step for step in told.steps)


def test_the_summary_of_a_provider_names_the_page_to_go_to():
    rule = next(rule for rule in RULES if rule.id == "pinecone-api-key")
    told = summary(rule)
    assert told.guide == "pinecone"
    assert told.revoke_url
    assert told.sentence.startswith(f"Revoke the Pinecone API key at {told.revoke_url}, put a new one")
    assert told.steps[0].startswith("Find the key.")


def test_a_password_hash_is_not_revoked_but_changed():
    rule = next(rule for rule in RULES if rule.guide == "password-hash")
    assert summary(rule).sentence.startswith("Change the password behind the ")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("postgres-url", "Change the password behind the PostgreSQL URL, hand"),
        ("pgpass-password", "Change the password in a .pgpass, hand"),
    ],
)
def test_a_password_is_named_once(name, told):
    assert summary(next(rule for rule in RULES if rule.id == name)).sentence.startswith(told)


def test_a_remedy_without_a_page_of_its_own_names_the_one_that_says_how():
    rule = next(rule for rule in RULES if rule.id == "npm-access-token")
    assert "(see https://docs.npmjs.com/revoking-access-tokens)" in summary(rule).sentence


def test_a_password_is_changed_and_a_key_revoked():
    by_id = {rule.id: rule for rule in RULES}
    assert summary(by_id["postfix-sasl-password"]).sentence.startswith("Change the password of a mail relay")
    assert summary(by_id["stripe-live-secret-key"]).sentence.startswith("Revoke the Stripe secret key")


def test_names_in_stores_are_plain():
    for found in EVERY.values():
        assert re.fullmatch(r"prod/[a-z0-9-]+/[a-z0-9-]+", snippets.names(found.guide).path)
