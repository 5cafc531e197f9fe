"""The Dockerfile, instruction by instruction, with the secrets that stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imgscan.model.values import Where
from tests.integration.planted.markers import fill

BASE: Final = "imgscan.test/base:1"
LAYERED: Final = ("FROM", "COPY", "ADD", "RUN", "WORKDIR")
BASE_SETTINGS: Final = ("ENV BASE_TOKEN=<<terraform-cloud-token:base>>",)
"""What the import of the base sets, with no trace in its history."""
BUILD_ARGUMENTS: Final = {"GITLAB_TOKEN": "<<gitlab-pat:build-arg>>"}


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. ``shown`` is what a report makes of it, where that is not what the Dockerfile says.

    A NUL in it stands for a secret. ``changes`` is whether a ``RUN`` leaves anything behind: if not, it has no layer.
    """

    name: str
    text: str
    shown: str | None = None
    changes: bool = True

    @property
    def keyword(self) -> str:
        return "IMPORT" if self.text.startswith("FROM ") else self.text.partition(" ")[0]

    @property
    def has_layer(self) -> bool:
        return self.text.startswith(LAYERED) and self.changes

    @property
    def filled(self) -> str:
        return fill(self.text, self.name)[0]


STEPS: Final = (
    Step("base", f"FROM {BASE}", shown="Imported from -"),
    Step("arg-default", "ARG NPM_TOKEN=<<npm-access-token:arg-default>>"),
    Step("arg-passed", "ARG GITLAB_TOKEN"),
    Step("maintainer", "MAINTAINER Ops <ops@acme.example> key <<linear-api-key:maintainer>>"),
    Step("home", "COPY home /"),
    Step("odd", "ADD odd.tar /"),
    Step("edge", "COPY edge /"),
    Step("edge-of-window", "COPY edge-of-window /"),
    Step("life", "COPY life /"),
    Step("first-run", "RUN true", changes=False),
    Step("delete", "RUN rm /life/deleted /odd/a-linked && rm -r /life/gone"),
    Step("overwrite", "COPY overwrite /"),
    Step("restore", "COPY restore /"),
    Step("replace", "RUN rm -r /life/folder && echo harmless > /life/folder"),
    Step(
        "empty",
        "RUN rm -r /life/opaque \\\n && mkdir /life/opaque \\\n && echo harmless > /life/opaque/new",
        shown="RUN rm -r /life/opaque  && mkdir /life/opaque  && echo harmless > /life/opaque/new",
    ),
    Step("protect", "RUN chmod 600 /life/protected"),
    Step("passing", "RUN cp /life/protected /tmp/passing && rm /tmp/passing"),
    Step("echo", "RUN mkdir /etc/acme && echo 'token=<<digitalocean-pat:run>>' > /etc/acme/token"),
    Step(
        "login",
        "RUN true || curl -sf -u deploy:<<curl-user-password:run>> https://repo.acme.example/setup.sh",
        changes=False,
    ),
    Step("env", "ENV GITHUB_TOKEN=<<github-pat-classic:env>>"),
    Step("env-old", "ENV ROTATED=<<github-pat-fine-grained:old>>"),
    Step("env-new", "ENV ROTATED=<<github-pat-fine-grained:new>>"),
    Step("env-context", "ENV PINECONE_API_KEY=<<pinecone-api-key-uuid:env>> DATADOG_API_KEY=<<datadog-api-key:env>>"),
    Step("env-legacy", "ENV DB_PASSWORD <<generic-password-config:env>>", shown="ENV DB_PASSWORD=\0"),
    Step("env-url", "ENV DATABASE_URL=postgres://app:<<postgres-url:env>>@db.internal:5432/shop"),
    Step("env-key", "ENV TLS_KEY='<<private-key-rsa:env!>>'", shown="ENV TLS_KEY=\0"),
    Step("label", "LABEL com.acme.deploy-token=<<gitlab-deploy-token:label>>"),
    Step("workdir", "WORKDIR /srv/<<shopify-access-token:workdir>>"),
    Step("volume", "VOLUME /cache/<<docker-pat:volume>>", shown='VOLUME ["/cache/\0"]'),
    Step(
        "onbuild", "ONBUILD RUN pip install --index-url https://ci:<<http-url-password:onbuild>>@pip.acme.example/ app"
    ),
    Step("volume-more", "VOLUME /data", shown='VOLUME ["/data"]'),
    Step("onbuild-more", "ONBUILD RUN true"),
    Step("healthcheck", "HEALTHCHECK CMD wget -q http://127.0.0.1/?key=<<google-api-key:healthcheck>>"),
    Step(
        "cmd-shell",
        "CMD serve --password <<password-argument-config:cmd>>",
        shown='CMD ["/bin/sh", "-c", "serve --password \0"]',  # how builders record it
    ),
    Step("entrypoint", 'ENTRYPOINT ["/srv/app/run", "--slack", "<<slack-app-token:entrypoint>>"]'),
    Step("cmd", 'CMD ["serve", "--stripe", "<<stripe-live-secret-key:cmd>>"]'),
    Step("user", "USER <<databricks-access-token:user>>"),
)
NUMBERS: Final = {step.name: number for number, step in enumerate(STEPS)}
"""Of an instruction in the history: the import of the base is the first."""
LAYERS: Final = {step.name: number for number, step in enumerate(step for step in STEPS if step.has_layer)}


@dataclass(frozen=True, slots=True)
class Field:
    """A secret that has to be found in the config: ``[step]`` in a key stands for the number of that instruction."""

    where: Where
    key: str
    mark: str
    step: str | None

    @property
    def named_key(self) -> str:
        return self.key.replace(f"history[{(name := self.key[8:].partition(']')[0])}]", f"history[{NUMBERS.get(name)}]")


FIELDS: Final = (
    Field(Where.ENV, "config.Env[BASE_TOKEN]", "terraform-cloud-token:base", None),
    Field(Where.ARG, "history[arg-default].created_by", "npm-access-token:arg-default", "arg-default"),
    Field(Where.ARG, "history[first-run].created_by", "gitlab-pat:build-arg", "arg-passed"),
    Field(Where.AUTHOR, "author", "linear-api-key:maintainer", "maintainer"),
    Field(Where.HISTORY, "history[echo].created_by", "digitalocean-pat:run", "echo"),
    Field(Where.HISTORY, "history[login].created_by", "curl-user-password:run", "login"),
    Field(Where.ENV, "config.Env[GITHUB_TOKEN]", "github-pat-classic:env", "env"),
    Field(Where.ENV, "history[env-old].created_by", "github-pat-fine-grained:old", "env-old"),
    Field(Where.ENV, "config.Env[ROTATED]", "github-pat-fine-grained:new", "env-new"),
    Field(Where.ENV, "config.Env[PINECONE_API_KEY]", "pinecone-api-key-uuid:env", "env-context"),
    Field(Where.ENV, "config.Env[DATADOG_API_KEY]", "datadog-api-key:env", "env-context"),
    Field(Where.ENV, "config.Env[DB_PASSWORD]", "generic-password-config:env", "env-legacy"),
    Field(Where.ENV, "config.Env[DATABASE_URL]", "postgres-url:env", "env-url"),
    Field(Where.ENV, "config.Env[TLS_KEY]", "private-key-rsa:env!", "env-key"),
    Field(Where.LABEL, "config.Labels[com.acme.deploy-token]", "gitlab-deploy-token:label", "label"),
    Field(Where.CMD, "config.WorkingDir", "shopify-access-token:workdir", "workdir"),
    Field(Where.CMD, "config.Volumes./cache/dckr_pat_…", "docker-pat:volume", "volume"),
    Field(Where.ONBUILD, "config.OnBuild[0]", "http-url-password:onbuild", "onbuild"),
    Field(Where.HEALTHCHECK, "config.Healthcheck.Test", "google-api-key:healthcheck", "healthcheck"),
    Field(Where.CMD, "history[cmd-shell].created_by", "password-argument-config:cmd", "cmd-shell"),
    Field(Where.ENTRYPOINT, "config.Entrypoint", "slack-app-token:entrypoint", "entrypoint"),
    Field(Where.CMD, "config.Cmd", "stripe-live-secret-key:cmd", "cmd"),
    Field(Where.CMD, "config.User", "databricks-access-token:user", "user"),
)
