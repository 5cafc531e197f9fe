"""Plug-in point: from one blob to the texts inside it."""
