"""Private keys and the stores they are kept in: what they are, and whether they are locked."""
