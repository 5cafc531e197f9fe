"""A pack of one rule, for tests of what reads packs."""

from __future__ import annotations

from typing import Final

ACME: Final = r"""
[[rules]]
id = "acme-key"
title = "Acme key"
provider = "acme"
severity = "high"
confidence = "medium"
pattern = '''\b(?P<secret>acme_[0-9a-z]{24})\b'''
examples = ["key = acme_{lower:24}"]
"""
"""Fields may follow: the rule stands at its end."""
