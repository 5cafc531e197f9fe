"""A certificate for this machine, made while the tests run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, its own authority, and its key."""

    cert: Path
    key: Path


def self_signed(directory: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> Certificate:
    """A certificate for ``names``, good for a day."""
    made = Certificate(directory / "cert.pem", directory / "key.pem")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(made.key), "-out", str(made.cert)]
    command = ["openssl", "req", "-x509", *curve, "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-addext", f"subjectAltName={names}", *files], check=True, capture_output=True)
    return made
