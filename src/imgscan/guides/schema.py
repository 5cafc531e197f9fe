"""What a guide is, as data. ``guides.load`` reads them, ``guides.compose`` puts them together with the shared parts."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "advertising",
    "ai",
    "analytics",
    "authentication",
    "automation",
    "backend",
    "blockchain",
    "ci",
    "cloud",
    "code-hosting",
    "commerce",
    "communication",
    "content",
    "credential",
    "crm",
    "data",
    "database",
    "design",
    "developer-tool",
    "email",
    "feature-flags",
    "file-storage",
    "finance",
    "forms",
    "geo",
    "hr",
    "iot",
    "key",
    "legal",
    "marketing",
    "media",
    "messaging",
    "monitoring",
    "networking",
    "package-registry",
    "payment",
    "productivity",
    "project-management",
    "scheduling",
    "search",
    "secrets",
    "security",
    "shipping",
    "social",
    "support",
    "telephony",
    "travel",
    "utility-api",
    "video",
    "weather",
]
"""What a provider is for; each kind has shared texts on risk, abuse and what stops working."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to do: a sentence, the exact command or call if there is one, the page that documents it."""

    text: str
    command: str | None = None
    link: str | None = None


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a security engineer would tell a colleague about one provider, in the sections of ``imgscan explain``.

    ``variable`` is the environment variable its own documentation or SDK uses. Texts are whole sentences in Markdown.
    Sections that are empty are filled from the kind and the shared texts, which say what they know and link to ``docs``
    for the rest. ``summary`` is the sentence of a report, where "revoke, replace, rebuild" does not fit the credential;
    ``{title}`` stands for the title of the rule.
    """

    id: str
    name: str
    kind: Kind
    docs: str
    about: str
    """One or two sentences: what the credential is for."""
    variable: str
    console: str | None = None
    looks: str = ""
    scopes: str = ""
    risk: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    contain: tuple[Step, ...] = ()
    abuse: tuple[Step, ...] = ()
    stops: tuple[str, ...] = ()
    generate: tuple[Step, ...] = ()
    practice: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    summary: str = ""


class Guides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of guides: a full one, or many short ones."""

    guides: tuple[Guide, ...]


class KindTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for every provider of one kind. ``{name}``, ``{docs}`` and ``{variable}`` are those of a guide."""

    risk: tuple[str, ...]
    abuse: tuple[Step, ...] = ()
    stops: tuple[str, ...] = ()
    contain: tuple[Step, ...] = ()
    generate: tuple[Step, ...] = ()


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for every secret in an image, in the order of the sections. Placeholders as in ``KindTexts``.

    ``contain``, ``abuse``, ``stops`` and ``generate`` follow what the kind says, where the guide says nothing.
    """

    scopes: str
    ways: tuple[str, ...]
    leaks: tuple[str, ...]
    contain: tuple[Step, ...]
    order: tuple[Step, ...]
    image: tuple[Step, ...]
    abuse: tuple[Step, ...]
    unusual: tuple[str, ...]
    ask: tuple[str, ...]
    stops: tuple[str, ...]
    inventory: tuple[Step, ...]
    staging: tuple[Step, ...]
    generate: tuple[Step, ...]
    practice: tuple[str, ...]
    build: str
    places: tuple[str, ...]
    prevention: tuple[Step, ...]
    stores: dict[str, str]
