r"""The files of the image, with the secrets that stand in them and what becomes of each file.

Every mark in a text has to be found, once, where it stands; everything else in these files must not be found. Names are
bytes as ``os.fsdecode`` gives them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from imgscan.model.values import EventKind, State
from imgscan.rules.load import load
from imgscan.streams.limits import BLOCK_BYTES
from tests.integration.planted.markers import Mark, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

TAR_HEADER: Final = 512
ADDED, CHANGED, DELETED = EventKind


@dataclass(frozen=True, slots=True)
class File:
    """A file that ``step`` put there. ``later`` is what other steps did to it: the rest of its story.

    ``encoding`` is of Python, and ``decoded`` what imgscan calls it if it has to undo it. ``binary`` files have no
    lines. ``repeats`` says that the secrets are told with the same file of an earlier layer. A ``link`` has its target
    as text. A path may have marks as well; ``shown`` is then what a report makes of it.
    """

    step: str
    path: str
    text: str
    state: State = State.PRESENT
    later: tuple[tuple[EventKind, str], ...] = ()
    encoding: str = "utf-8"
    decoded: str | None = None
    binary: bool = False
    mode: int = 0o644
    link: Literal["hard", "symbolic"] | None = None
    repeats: bool = False
    shown: str | None = None

    def __repr__(self) -> str:
        return f"{self.step}:{self.path!r}"

    @property
    def place(self) -> str:
        return f"{self.step}:{self.path!a}"

    @property
    def name(self) -> str:
        return fill(self.path, self.place)[0].lstrip("/")

    @property
    def content(self) -> bytes:
        return fill(self.text, self.place)[0].encode(self.encoding)

    @property
    def shown_path(self) -> str:
        return self.shown or os.fsencode(self.path).decode("utf-8", "backslashreplace")

    def marks(self) -> Iterator[tuple[Mark, int, int | None]]:
        """Every secret of the content with its offset in bytes and its line."""
        filled, marks = fill(self.text, self.place)
        for mark in marks:
            before = filled[: mark.start]
            line = None if self.binary else before.count("\n") + 1
            yield mark, len(before.encode(self.encoding)), line


def _home() -> Iterator[File]:
    """What people leave in the directories they copy."""
    for path, text in HOME.items():
        yield File("home", path, text)


HOME: Final = {
    # Environment files and scripts
    "/srv/app/.env": "DEBUG=1\nGITHUB_TOKEN=<<github-pat-classic>>\nDB_PASSWORD=<<generic-password-variable>>\n",
    "/srv/app/docker-compose.yml": (
        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: <<generic-password-setting>>\n"
    ),
    "/srv/app/.gitlab-ci.yml": "deploy:\n  script:\n    - curl -H 'PRIVATE-TOKEN: <<gitlab-pat>>' git.acme.example\n",
    "/etc/systemd/system/app.service": "[Service]\nEnvironment=HF_TOKEN=<<huggingface-access-token>>\n",
    "/usr/local/bin/deploy": "#!/bin/sh\nset -e\nexport VAULT_TOKEN='<<vault-service-token>>'\nexec app\n",
    "/root/.bash_history": "ls\nmysql -uroot -p<<mysql-password-argument>> shop\ngit push\nexit\n",
    "/root/.python_history": "import openai\nopenai.api_key = '<<openai-project-api-key>>'\n",
    # Credential files of tools
    "/root/.npmrc": "//npm.acme.example/:_authToken=<<npmrc-auth-token>>\nalways-auth=true\n",
    "/root/.netrc": "machine git.acme.example\n  login deploy\n  password <<netrc-password>>\n",
    "/root/.pypirc": "[acme]\nrepository = https://pypi.acme.example\nusername = ci\npassword = <<pypirc-password>>\n",
    "/root/.config/uv/uv.env": "UV_PUBLISH_TOKEN=<<pypi-api-token>>\n",
    "/root/.gem/credentials": "---\n:rubygems_api_key: <<rubygems-api-key>>\n",
    "/root/.pgpass": "db.internal:5432:shop:app:<<pgpass-password>>\n",
    "/root/.my.cnf": "[client]\nuser=root\npassword=<<mysql-option-file-password>>\n",
    "/root/.git-credentials": "https://deploy:<<http-url-password>>@git.acme.example\n",
    "/root/.docker/config.json": (
        '{\n  "auths": {\n    "hub.acme.example": {"auth": "<<docker-config-auth-registry>>"}\n  }\n}'
    ),
    "/root/.aws/credentials": (
        "[default]\naws_access_key_id = <<=AKIAQ{base32:15}>>\naws_secret_access_key = <<aws-access-key-pair>>\n"
    ),
    "/root/.kube/config": (
        "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-key-data: <<private-key-base64>>\n"
    ),
    "/srv/k8s/secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: <<kubernetes-secret-manifest>>\n"
    ),
    "/root/.terraform.d/credentials.tfrc.json": (
        '{"credentials": {"app.terraform.io": {"token": "<<terraform-cloud-token>>"}}}'
    ),
    "/etc/shadow": "daemon:*:19000:0:99999:7:::\nroot:<<unix-password-hash>>:19000:0:99999:7:::\n",
    # Keys
    "/root/.ssh/id_rsa": "<<private-key-rsa>>\n",
    "/root/.ssh/id_ed25519": "<<private-key-openssh>>\n",
    "/etc/ssl/private/server.key": "# the server's\n<<private-key-pkcs8>>\n",
    "/etc/ssl/private/ec.key": "<<private-key-ec>>\n",
    "/etc/ssl/private/locked.key": "<<private-key-pkcs8-encrypted>>\n",
    "/root/deploy.asc": "<<private-key-pgp>>\n",
    "/root/.config/age/keys.txt": "# created: 2026-01-01T00:00:00Z\n<<age-secret-key>>\n",
    "/srv/app/service-account.json": (
        '{\n  "type": "service_account",\n  "project_id": "shop",\n'
        '  "private_key": "<<gcp-service-account-key!>>\\n",\n'
        '  "client_email": "app@shop.iam.gserviceaccount.com"\n}\n'
    ),
    # Configuration
    "/srv/app/config.yaml": "slack:\n  channel: ops\n  token: <<slack-bot-token>>\n",
    "/srv/app/settings.json": '{"payment": {"currency": "EUR", "key": "<<stripe-live-secret-key>>"}}',
    "/srv/app/app.toml": '[mail]\nfrom = "shop@acme.example"\nkey = "<<sendgrid-api-key>>"\n',
    "/srv/app/app.ini": "[bot]\ntoken = <<telegram-bot-token>>\n",
    "/srv/app/server.xml": "<pool>\n  <db-password><<generic-password-xml>></db-password>\n</pool>\n",
    "/srv/app/application.properties": (
        "spring.datasource.url=jdbc:mysql://db.internal:3306/shop?user=app&password=<<jdbc-url-password>>\n"
    ),
    "/srv/app/celery.conf": "broker_url = redis://:<<redis-url>>@cache.internal:6379/0\n",
    "/srv/app/terraform.tfstate": (
        '{\n  "resources": [\n    {"attributes": {"master_password": "<<generic-password-literal>>"}}\n  ]\n}\n'
    ),
    # Sources
    "/srv/app/settings.py": "DEBUG = False\nSECRET_KEY = '<<django-secret-key>>'\n",
    "/srv/app/config.js": "export const hook = 'https://discord.com/api/webhooks/<<=1{digits:18}>>/<<discord-webhook-url>>';\n",
    "/srv/app/Config.java": (
        'class Config {\n  String store = "DefaultEndpointsProtocol=https;AccountName=acme;'
        'AccountKey=<<azure-storage-connection-string>>;EndpointSuffix=core.windows.net";\n}\n'
    ),
    "/srv/app/main.go": 'package main\n\nconst key = "<<anthropic-api-key>>"\n',
    "/srv/app/wp-config.php": "<?php\n//\ndefine( 'DB_PASSWORD', '<<wordpress-db-password>>' );",
    "/srv/app/deploy.rb": "client = Client.new(api_key: '<<generic-plain-literal>>')\n",
    "/srv/app/notes.ipynb": '{"cells": [{"source": ["key = \\"<<pinecone-api-key>>\\"\\n", "key\\n"]}]}\n',
    "/srv/app/index.html": '<script src="https://maps.googleapis.com/maps/api/js?key=<<google-api-key>>"></script>\n',
    # Data
    "/var/log/proxy.log": (
        '10.0.0.1 "GET / HTTP/1.1" 200\n10.0.0.2 "GET /api HTTP/1.1" 200 Authorization: Bearer <<json-web-token>>\n'
    ),
    "/srv/app/dump.sql": "INSERT INTO settings VALUES (1,'theme','dark'),(2,'shopify','<<shopify-access-token>>');\n",
    "/srv/app/request.http": "GET /orders HTTP/1.1\nAuthorization: Basic <<authorization-basic>>\n",
    "/srv/app/.git/config": (
        '[remote "origin"]\n\turl = https://x-access-token:<<github-app-installation-token>>@github.com/acme/app.git\n'
    ),
    # Several at once
    "/srv/app/pair": "<<github-oauth-token:first>> <<github-oauth-token:second>>\n",
    "/srv/app/mixed": "a=<<square-access-token>>;b=<<docker-pat>>;c=<<gitlab-pat>>\n",
    "/srv/app/one": "TOKEN=<<digitalocean-pat:shared>>\n",
    "/srv/app/other": "TOKEN=<<digitalocean-pat:shared>>\n",
    # Places within a file
    "/srv/app/first-byte": "<<github-pat-classic>>\n",
    "/srv/app/nothing-else": "<<github-pat-classic>>",
    "/srv/app/last-byte": "one\ntwo\nthree <<github-pat-classic>>",
    "/srv/app/windows.txt": "first\r\nsecond\r\ntoken=<<github-pat-classic>>\r\n",
    # Not secrets
    "/srv/app/.env.example": (
        "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nDB_PASSWORD=changeme\nAPI_KEY=your-api-key-here\n"
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nSTRIPE_KEY=sk_live_${STRIPE}\nPINECONE_API_KEY=<your-key>\n"
    ),
    "/root/.ssh/id_rsa.pub": "ssh-rsa AAAAB3NzaC1yc2E<<={base64:348}>> root@host\n",
    "/etc/ssl/certs/ca.pem": "-----BEGIN CERTIFICATE-----\nMII<<={base64:61}>>\n-----END CERTIFICATE-----\n",
    "/srv/app/SHA256SUMS": "<<={hex:64}>>  app.tar.gz\n<<={hex:64}>>  lib.tar.gz\n",
    "/srv/app/package-lock.json": '{"node_modules/a": {"integrity": "sha512-<<={base64:86}>>=="}}\n',
    "/srv/app/ids.txt": "request <<={uuid}>>\ncommit <<={hex:40}>>\n",
    "/srv/app/auth.py": "def login(user, password=None, token=get()):\n    secret_key = os.environ['SECRET_KEY']\n",
}

LOG_LINE: Final = "2026-01-01T00:00:00Z INFO all is well, nothing happened at all, and the request took 12 ms\n"
_DEEP, _DEEPER = (f"/odd/{'one-level-of-many/' * levels}token" for levels in (6, 16))
ODD: Final = (
    # Encodings
    File("odd", "/odd/utf-8-bom", "token=<<github-pat-classic>>\n", encoding="utf-8-sig"),
    File("odd", "/odd/utf-16", "\ufeffone\r\n<<github-pat-classic>>\r\n", encoding="utf-16-le", decoded="utf-16-le"),
    File("odd", "/odd/utf-16-be", "\ufeffone\r\n<<github-pat-classic>>\n", encoding="utf-16-be", decoded="utf-16-be"),
    File("odd", "/odd/utf-16-bare", "first line\n<<github-pat-classic>>\n", encoding="utf-16-le", decoded="utf-16-le"),
    File("odd", "/odd/utf-16-be-bare", "first\nx <<github-pat-classic>>\n", encoding="utf-16-be", decoded="utf-16-be"),
    File("odd", "/odd/latin-1", "caf\xe9\nschl\xfcssel=<<github-pat-classic>>\n", encoding="latin-1"),
    File("odd", "/odd/program", "\x7fELF\x02\x01\x01\0\0\0\0key\0<<github-pat-classic>>\0\0end", binary=True),
    # Sizes
    File("odd", "/odd/bundle.min.js", f"var a=1;{'f(x);' * 1_200_000}t=\"<<stripe-live-secret-key>>\";g()"),
    File("odd", "/odd/app.log", f"{LOG_LINE * 100_000}WARN token <<slack-bot-token>> expired\n"),
    File("odd", "/odd/wide.log", f"\ufeff{LOG_LINE * 30_000}WARN token <<slack-bot-token>> expired\n",
         encoding="utf-16-le", decoded="utf-16-le"),
    # Names
    File("odd", "/odd/with some spaces.txt", "<<github-pat-classic>>\n"),
    File("odd", "/odd/with\na line end", "<<github-pat-classic>>\n"),
    File("odd", "/odd/\x1b[31mred\x07\t", "<<github-pat-classic>>\n"),
    File("odd", "/odd/\udcff\udcfe-not-utf-8", "<<github-pat-classic>>\n"),
    File("odd", "/odd/schl\xfcssel-\u65e5\u672c-\U0001f511", "<<github-pat-classic>>\n"),
    File("odd", "/odd/--rm -rf", "<<github-pat-classic>>\n"),
    File("odd", "/odd/$(id)`id`'\"\\", "<<github-pat-classic>>\n"),
    File("odd", "/odd/.hidden/...", "<<github-pat-classic>>\n"),
    File("odd", _DEEP, "<<github-pat-classic>>\n"),
    File("odd", _DEEPER, "<<github-pat-classic>>\n"),
    File("odd", f"/odd/{'n' * 250}", "<<github-pat-classic>>\n"),
    # Kinds
    File("odd", "/odd/setuid", "<<github-pat-classic>>\n", mode=0o4755),
    File("odd", "/odd/unreadable", "<<github-pat-classic>>\n", mode=0o000),
    File("odd", "/odd/a-linked", "<<github-pat-classic>>\n", later=((DELETED, "delete"),)),
    File("odd", "/odd/b-link", "odd/a-linked", link="hard"),
    File("odd", "/odd/z-link", "https://ci:<<http-url-password>>@git.acme.example/app.git", link="symbolic"),
    File("odd", "/odd/<<square-access-token:name>>.txt", "<<gitlab-pat>>\n", shown="/odd/sq0atp-….txt"),
)  # fmt: skip

LIFE: Final = (
    File("life", "/life/kept", "<<gitlab-pat>>\n"),
    File("life", "/life/deleted", "<<gitlab-pat>>\n", State.DELETED, ((DELETED, "delete"),)),
    File("life", "/life/gone/with/all", "<<gitlab-pat>>\n", State.DELETED, ((DELETED, "delete"),)),
    File("life", "/life/gone/again", "<<gitlab-pat:again>>\n", later=((DELETED, "delete"), (ADDED, "restore"))),
    File("restore", "/life/gone/again", "<<gitlab-pat:again>>\n", repeats=True),
    File("life", "/life/emptied", "<<gitlab-pat>>\n", State.OVERWRITTEN, ((CHANGED, "overwrite"),)),
    File("overwrite", "/life/emptied", "no more\n"),
    File("life", "/life/rotated", "<<gitlab-pat:old>>\n", State.OVERWRITTEN, ((CHANGED, "overwrite"),)),
    File("overwrite", "/life/rotated", "<<gitlab-pat:new>>\n"),
    File("life", "/life/folder/inner", "<<gitlab-pat>>\n", State.DELETED, ((DELETED, "replace"),)),
    File("life", "/life/opaque/inner", "<<gitlab-pat>>\n", State.DELETED, ((DELETED, "empty"),)),
    File("life", "/life/protected", "<<gitlab-pat>>\n", later=((CHANGED, "protect"),)),
)
"""Deleted, with a directory or alone; changed; put back; replaced by a file; in a directory made anew; made private."""


def _edges() -> Iterator[File]:
    """Keys that lie across the places where a layer is cut: each is the first file of its layer."""
    reach = max(rule.window for rule in load().rules)
    first_window = BLOCK_BYTES + 3 * -(-reach // TAR_HEADER) * TAR_HEADER
    for step, edge in (("edge", BLOCK_BYTES), ("edge-of-window", first_window)):
        yield File(step, f"/{step}", "\n" * (edge - TAR_HEADER - 800) + "<<private-key-rsa>>\n")


FILES: Final = (
    File("base", "/etc/base.conf", "token = <<vault-service-token>>\n"),
    *_home(),
    *ODD,
    *_edges(),
    *LIFE,
    File("echo", "/etc/acme/token", "token=<<digitalocean-pat:run>>\n"),
)
