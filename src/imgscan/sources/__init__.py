"""Plug-in point: the places images come from. Knows nothing of rules, findings or reports."""
