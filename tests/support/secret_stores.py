"""Vault, AWS Secrets Manager and Conjur as clients see them on the wire: one server on loopback with one secret."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-vault-token"
ACCOUNT, LOGIN, API_KEY = "acme", "host/app", "a-conjur-api-key"
SESSION = json.dumps({"protected": "x", "payload": "y", "signature": "z"})
"""What Conjur gives for the API key, which clients send back in base64."""


@dataclass
class Stores:
    """The server, what it keeps at which path, and the requests it answered."""

    url: str
    path: str
    secret: str
    asked: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What clients of all three look for."""
        return {
            "VAULT_ADDR": self.url,
            "VAULT_TOKEN": TOKEN,
            "CONJUR_APPLIANCE_URL": self.url,
            "CONJUR_ACCOUNT": ACCOUNT,
            "CONJUR_AUTHN_LOGIN": LOGIN,
            "CONJUR_AUTHN_API_KEY": API_KEY,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def serve(path: str, secret: str) -> Iterator[Stores]:
    """Keep ``secret`` at ``path`` in all three."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    stores = Stores(f"http://127.0.0.1:{server.server_port}", path, secret)
    server.stores = stores  # type: ignore[attr-defined] # the handler has no other way to know
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stores
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stores(self) -> Stores:
        found: Stores = self.server.stores  # type: ignore[attr-defined] # see above
        return found

    def do_GET(self) -> None:
        kept = self.stores.path
        self.stores.asked.append(self.path)
        if self.path.startswith("/v1/"):
            self._vault(kept)
        elif self.headers["Authorization"] != f'Token token="{base64.b64encode(SESSION.encode()).decode()}"':
            self._answer(401, "")
        elif unquote(self.path) == f"/secrets/{ACCOUNT}/variable/{kept}":
            self._answer(200, self.stores.secret)
        else:
            self._answer(404, {"error": {"code": "not_found"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.stores.asked.append(self.path)
        if self.headers.get("X-Amz-Target") == "secretsmanager.GetSecretValue":
            self._aws(json.loads(body))
        elif unquote(self.path) == f"/authn/{ACCOUNT}/{LOGIN}/authenticate":
            self._answer(200, SESSION) if body == API_KEY else self._answer(401, "")
        else:
            self._answer(404, "")

    def _vault(self, kept: str) -> None:
        if self.headers.get("X-Vault-Token") != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path == f"/v1/secret/data/{kept}":
            metadata = {"version": 1, "destroyed": False, "deletion_time": ""}
            self._answer(200, {"data": {"data": {"value": self.stores.secret}, "metadata": metadata}})
        else:
            self._answer(404, {"errors": []})

    def _aws(self, asked: dict[str, Any]) -> None:
        signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=test/")
        if signed and asked == {"SecretId": self.stores.path}:
            arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x"
            self._answer(200, {"ARN": arn, "Name": self.stores.path, "SecretString": self.stores.secret})
        else:
            self._answer(400, {"__type": "ResourceNotFoundException", "Message": "no such secret"})

    def _answer(self, status: int, body: Any) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
