"""Find leaked secrets in container images."""
