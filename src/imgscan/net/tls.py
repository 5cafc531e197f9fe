"""Whose certificates are trusted: the system's, and those the user adds. Verification is always on.

Knows nothing of HTTP.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from imgscan.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def context(ca_files: Iterable[Path]) -> ssl.SSLContext:
    """Trust in the system's certificates and those of ``ca_files``.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are honoured by OpenSSL itself.

    Raises:
        UsageError: a certificate file cannot be used.
    """
    trusted = ssl.create_default_context()
    for path in ca_files:
        try:
            trusted.load_verify_locations(path)
        except ssl.SSLError:
            raise UsageError("holds no certificate that can be read", where=str(path)) from None
        except OSError as error:
            raise UsageError(error.strerror or "cannot be read", where=str(path)) from None
    return trusted
