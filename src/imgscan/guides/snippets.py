"""Code that reads a secret from where it should be: five languages, four stores, filled in for one secret.

The templates are in ``samples/``; names of variables and paths of secrets are all that changes in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from imgscan.guides.page import Code

if TYPE_CHECKING:
    from imgscan.guides.schema import Guide

LANGUAGES: Final = {
    "python": "Python",
    "javascript": "JavaScript, TypeScript",
    "java": "Java",
    "go": "Go",
    "csharp": "C#",
}
"""Names as ``--language`` and highlighters take them, with those for people."""

STORES: Final = {
    "env": "environment variables",
    "aws": "AWS Secrets Manager",
    "vault": "HashiCorp Vault",
    "conjur": "CyberArk Conjur",
}

FIELD: Final = "value"
"""The field of a secret in Vault that holds it; the other stores keep one text for each path."""


@dataclass(frozen=True, slots=True)
class Names:
    """What one secret is called: in the environment, and in a store."""

    variable: str
    path: str


def names(guide: Guide, variable: str | None = None) -> Names:
    """``PINECONE_API_KEY`` and ``prod/pinecone/api-key``; ``variable`` is a name that is known to be in use."""
    used = variable or guide.variable
    owner = re.sub(r"[^a-z0-9]+", "-", guide.id.lower()).strip("-") or "app"
    rest = used.lower().replace("_", "-").removeprefix(f"{owner}-")
    return Names(used, f"prod/{owner}/{rest}")


def snippet(language: str, store: str, known: Names) -> Code:
    """One of ``LANGUAGES`` reads one of ``STORES``."""
    text = _template(language, store)
    for placeholder, value in (("{variable}", known.variable), ("{path}", known.path), ("{field}", FIELD)):
        text = text.replace(placeholder, value)
    return Code(f"{LANGUAGES[language]}, {STORES[store]}", language, text.rstrip("\n"))


@cache
def _template(language: str, store: str) -> str:
    folder = resources.files("imgscan.guides") / "samples" / language
    return (folder / f"{store}.txt").read_text("utf-8")
