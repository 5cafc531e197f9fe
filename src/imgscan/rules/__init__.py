"""Rules as data: their shape, their files, their examples. Knows nothing of matching."""
