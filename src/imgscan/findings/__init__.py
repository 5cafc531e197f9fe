"""From matches to findings: life story, fingerprint, verdict."""
