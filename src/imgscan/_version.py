"""The version of imgscan, read by the build and by ``imgscan --version``."""

__version__ = "0.1.0"
