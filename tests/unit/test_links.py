"""Every link of guides and rules leads to its provider: by the name of the domain, or by the table checked by hand.

What the table says is ``provider_domains.toml``; whether a page still stands is not known here: no test has a network.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import pytest

from imgscan.guides import load
from imgscan.rules.load import packaged

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE_FILE: Final = Path(__file__).with_name("provider_domains.toml")
LINK: Final = re.compile(r"https?://[^\s<>\"'`)\]|]+")
HOST: Final = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")
SHARED: Final = "shared"
"""Whose links those are that stand in every guide."""

Reasons = dict[str, dict[str, str]]
"""Who is written about, the domains that are right for it, and why each is."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was checked by hand; the file says what each part is for."""

    suffixes: frozenset[str]
    subdomains: frozenset[str]
    paths: dict[str, int]
    neutral: frozenset[str]
    providers: Reasons
    subjects: Reasons

    def listed(self) -> Reasons:
        """Every domain that is listed for somebody."""
        return self.providers | self.subjects


@dataclass(frozen=True, slots=True)
class Link:
    """A link, whom it should be about, and where it stands."""

    about: str
    place: str
    url: str


def read_table() -> Table:
    return msgspec.convert(tomllib.loads(TABLE_FILE.read_text("utf-8")), Table)


TABLE: Final = read_table()


def links() -> tuple[Link, ...]:
    """Every link of the package that could be followed."""
    return (*in_guides(), *in_shared_texts(), *in_rules())


def in_guides() -> Iterator[Link]:
    for file in (resources.files("imgscan.guides") / "providers").iterdir():
        if file.name.endswith(".toml"):
            for guide in load.parse(file.read_text("utf-8")):
                place = f"guide {guide.id} in {file.name}"
                for field, text in texts(msgspec.to_builtins(guide)):
                    yield from in_text(guide.id, f"{place}, {field}", text)


def in_shared_texts() -> Iterator[Link]:
    for name in ("shared.toml", "kinds.toml", "fixes.toml"):
        text = (resources.files("imgscan.guides") / name).read_text("utf-8")
        for field, part in texts(tomllib.loads(text)):
            yield from in_text(SHARED, f"{name}, {field}", part)


def in_rules() -> Iterator[Link]:
    for rule in packaged():
        calls = [(name, call.request.url) for name in ("verify", "revoke") if (call := getattr(rule, name))]
        fixed = [("references", link) for link in rule.references]
        fixed += [("revoke_url", rule.revoke_url)] if rule.revoke_url else []
        for field, url in fixed + calls:
            yield Link(rule.provider, f"rule {rule.id}, {field}", url)


def texts(content: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the path of keys that leads to it."""
    match content:
        case str():
            yield field, content
        case dict():
            for name, value in content.items():
                yield from texts(value, f"{field}.{name}" if field else name)
        case list() | tuple():
            for value in content:
                yield from texts(value, field)
        case _:
            return  # a field that is left out


def in_text(about: str, place: str, text: str) -> Iterator[Link]:
    for url in LINK.findall(text):
        yield Link(about, place, url.rstrip(".,;:"))


def site(url: str) -> str | None:
    """The domain that somebody registered, or their room at a host of many; none for a host that stands for another.

    ``https://HOST/keys`` and ``https://user:password@host/`` are such: a command or a form, no page.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    if depth := TABLE.paths.get(host):
        return "/".join((host, *parts.path.strip("/").split("/")[:depth])).lower()
    labels = host.split(".")
    shared = next((n for n in (3, 2) if ".".join(labels[-n:]) in TABLE.suffixes | TABLE.subdomains), 1)
    domain = ".".join(labels[-shared - 1 :])
    return domain if HOST.fullmatch(domain) else None


def bears_name(domain: str, about: str) -> bool:
    """Whether a domain is called what a provider is called, without its suffix or with it (``cal.com``).

    A room says nothing by its name: anybody can have any.
    """
    entry = load.index().get(about)
    title = entry.name if entry else about
    names = {plain(name) for name in (about, title, title.partition(" (")[0])}
    host = domain.partition("/")[0]
    label, _, suffix = host.partition(".")
    return suffix not in TABLE.subdomains and bool(names & {plain(host), plain(label)})


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def complaint(link: Link) -> str | None:
    """What is wrong with a link, and what to do; nothing if it leads where it should."""
    domain = site(link.url)
    if domain is None or bears_name(domain, link.about):
        return None
    if domain in TABLE.listed().get(link.about, ()):
        return None
    return (
        f"{link.place}: {link.url} leads to {domain}, which is not known as a domain of {link.about!r}. If it is, list "
        f"it with the reason in tests/unit/{TABLE_FILE.name}; if not, link to the provider's own page"
    )


LINKS: Final = links()


def test_every_link_has_the_domain_of_its_provider(record_property):
    record_property("links", len(LINKS))
    complaints = sorted(filter(None, map(complaint, LINKS)))
    assert len(LINKS) > 6_000
    assert not complaints, "\n".join(complaints)


def test_a_page_named_by_a_rule_or_as_documentation_is_a_real_one():
    fixed = re.compile(r", (?:references|revoke_url|docs|console|\w+\.link)$")
    for link in LINKS:
        assert not fixed.search(link.place) or site(link.url), link
        assert link.url.startswith("https://") or not site(link.url), link


def test_the_table_lists_nothing_that_no_link_needs():
    needed = {(link.about, domain) for link in LINKS if (domain := site(link.url))}
    for about, domains in TABLE.listed().items():
        for known in domains:
            assert (about, known) in needed
            assert not bears_name(known, about), f"{known} is the domain of {about} by its name"


def test_the_table_says_why():
    assert all(reason.strip() for domains in TABLE.listed().values() for reason in domains.values())


def test_a_provider_is_no_subject_and_has_no_neutral_page():
    assert not TABLE.providers.keys() & TABLE.subjects.keys()
    assert not [(who, known) for who, domains in TABLE.providers.items() for known in domains if known in TABLE.neutral]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.pinecone-keys.com/",
        "https://pinecone.com.evil.dev/",
        "https://pinecone.io@evil.dev/pinecone.io",
        "https://evil.dev/pinecone.io",
        "https://pinecone.readme.io/",
        "https://github.com/pinecone/docs",
        "https://GITHUB.evil.dev/",
        "https://cheatsheetseries.owasp.org/",
    ],
)
def test_a_link_that_leads_elsewhere_is_named_with_what_to_do(url):
    told = complaint(Link("pinecone", "rule pinecone-api-key, references", url))
    assert told
    assert told.startswith(f"rule pinecone-api-key, references: {url} leads to ")
    assert "provider_domains.toml" in told


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://docs.pinecone.io/guides?a=b", "pinecone.io"),
        ("https://api.acme.co.uk:8443/", "acme.co.uk"),
        ("https://SHOP.myshopify.com/admin", "myshopify.com"),
        ("https://{host}.acme.com/", "acme.com"),
        ("https://acme.readme.io/reference", "acme.readme.io"),
        ("https://github.com/Acme/docs/wiki", "github.com/acme"),
        ("https://docs.github.com/en", "github.com"),
        ("https://HOST:9200/keys", None),
        ("https://{host}/keys", None),
        ("https://user:password@host/", None),
        ("https://…", None),
    ],
)
def test_the_domain_of_a_link_is_what_somebody_registered(url, domain):
    assert site(url) == domain
