"""Bytes in constant memory: limits, codecs, digests, tar. Knows nothing of images."""
