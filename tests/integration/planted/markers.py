r"""Texts with marks where secrets go: ``TOKEN=<<github-pat-classic>>`` names the rule that has to find it.

A mark is ``<<rule>>`` or ``<<rule:name>>``. Marks of one rule and name stand for the same secret wherever they are; a
mark without a name has one of its own in each text. A ``!`` at the end writes the secret on one line, its line ends as
``\n``. ``<<=template>>`` is filled in as well, and is no secret by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from imgscan.rules.sample import expand

TEMPLATES: Final = {
    "age-secret-key": "{age}",
    "anthropic-api-key": "sk-ant-api03-{base64url:93}AA",
    "authorization-basic": "{b64:deploy:{base62:18}7k:b64}",
    "aws-access-key-id": "AKIAQ{base32:15}",
    "aws-access-key-pair": "{base62:38}7k",
    "azure-storage-connection-string": "{base64:86}==",
    "curl-user-password": "{base62:16}7k",
    "databricks-access-token": "dapi{hex:32}",
    "datadog-api-key": "{hex:32}",
    "digitalocean-pat": "dop_v1_{hex:64}",
    "discord-webhook-url": "{base64url:67}7",
    "django-secret-key": "django-insecure-{base62:48}7k",
    "docker-config-auth-registry": "{b64:acme:{base62:20}7k:b64}",
    "docker-pat": "dckr_pat_{base64url:26}7",
    "gcp-service-account-key": "{pem-line:pkcs8}",
    "generic-password-config": "{letters:5}\u00fc{base62:8}7",
    "generic-password-literal": "{base62:14}7k",
    "generic-password-setting": "{base62:14}7kQ",
    "generic-password-variable": "{base62:14}7k",
    "generic-password-xml": "{base62:14}7k",
    "generic-plain-literal": "{base62:36}77",
    "github-app-installation-token": "ghs_{base62:30}{crc32}",
    "github-oauth-token": "gho_{base62:30}{crc32}",
    "github-pat-classic": "ghp_{base62:30}{crc32}",
    "github-pat-fine-grained": "github_pat_{base62:22}_{base62:59}",
    "gitlab-deploy-token": "gldt-{base62:20}",
    "gitlab-pat": "glpat-{base62:20}",
    "google-api-key": "AIzaSy{base62:33}",
    "http-url-password": "{base62:20}7k",
    "huggingface-access-token": "hf_{base62:34}",
    "jdbc-url-password": "{base62:14}7k",
    "json-web-token": '{b64url:{"alg":"HS256","typ":"JWT"}:b64url}.{b64url:{"id":"{digits:8}"}:b64url}.{base64url:43}',
    "kubernetes-secret-manifest": "{b64:{base62:22}7k:b64}",
    "linear-api-key": "lin_api_{base62:40}",
    "mysql-option-file-password": "{base62:14}7k",
    "mysql-password-argument": "{base62:14}7k",
    "netrc-password": "{base62:18}7k",
    "npm-access-token": "npm_{base62:30}{crc32}",
    "npmrc-auth-token": "{uuid}",
    "openai-project-api-key": "sk-proj-{base62:58}T3BlbkFJ{base62:58}",
    "password-argument-config": "{base62:14}7k",
    "pgpass-password": "{base62:14}7k",
    "pinecone-api-key": "pcsk_{base62:6}_{base62:63}",
    "pinecone-api-key-uuid": "{uuid}",
    "postgres-url": "{base62:14}7k",
    "private-key-base64": "{b64:{pem:rsa}\n:b64}",
    "private-key-ec": "{pem:ec}",
    "private-key-openssh": "{pem:openssh}",
    "private-key-pgp": "{pem:pgp}",
    "private-key-pkcs8": "{pem:pkcs8}",
    "private-key-pkcs8-encrypted": "{pem:encrypted}",
    "private-key-rsa": "{pem:rsa}",
    "pypirc-password": "{base62:20}7k",
    "pypi-api-token": "pypi-AgEIcHlwaS5vcmc{base62:157}",
    "redis-url": "{base62:14}7k",
    "rubygems-api-key": "rubygems_{hex:48}",
    "sendgrid-api-key": "SG.{base62:22}.{base62:43}",
    "shopify-access-token": "shpat_{hex:32}",
    "slack-app-token": "xapp-1-A0{upper:9}-{digits:13}-{hex:64}",
    "slack-bot-token": "xoxb-{digits:12}-{digits:13}-{base62:24}",
    "square-access-token": "sq0atp-{base62:22}",
    "stripe-live-secret-key": "sk_live_{base62:24}",
    "telegram-bot-token": "{digits:10}:AA{base62:33}",
    "terraform-cloud-token": "{base62:14}.atlasv1.{base62:67}",
    "unix-password-hash": "$6${base62:16}${base62:86}",
    "vault-service-token": "hvs.{base62:24}",
    "wordpress-db-password": "{base62:14}7k",
}
"""What the secret of a rule looks like, without anything that stands around it."""

_MARK: Final = re.compile(r"<<(?:=(?P<template>.+?)|(?P<rule>[a-z0-9-]+)(?::(?P<name>[a-z0-9-]+))?(?P<flat>!?))>>")


@dataclass(frozen=True, slots=True)
class Mark:
    """A secret in a filled text, and the character it begins at."""

    rule: str
    name: str
    start: int
    value: str

    def __repr__(self) -> str:
        return f"<<{self.rule}:{self.name}>> at {self.start}"


def fill(text: str, place: str) -> tuple[str, tuple[Mark, ...]]:
    """The text with secrets in it, and where they are; ``place`` names secrets whose marks have no name."""
    parts: list[str] = []
    marks: list[Mark] = []
    size = end = 0
    for found in _MARK.finditer(text):
        before, end = text[end : found.start()], found.end()
        value = _value(found, place)
        if found["rule"]:
            marks.append(Mark(found["rule"], found["name"] or place, size + len(before), value))
        parts += (before, value)
        size += len(before) + len(value)
    return "".join((*parts, text[end:])), tuple(marks)


def secret(mark: str) -> str:
    """The secret that ``rule:name`` stands for."""
    (only,) = fill(f"<<{mark}>>", "")[1]
    return only.value


def without_secrets(text: str) -> list[str]:
    """What stands between the marks."""
    return _MARK.sub("\0", text).split("\0")


def _value(found: re.Match[str], place: str) -> str:
    if found["template"]:
        return expand(found["template"], place)
    value = expand(TEMPLATES[found["rule"]], f"{found['rule']}:{found['name'] or place}")
    return value.replace("\n", r"\n") if found["flat"] else value
