"""Plug-in point: pure functions from a ``Report`` to bytes."""
