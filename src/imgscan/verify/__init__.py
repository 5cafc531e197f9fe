"""Whether a secret is still accepted by its provider, and how to end that; nothing here runs unless it is asked for."""
