"""Frozen values that cross rooms: ``values`` inside the program, ``report`` at its border.

Knows nothing of files, images or rules; every room may import it.
"""
