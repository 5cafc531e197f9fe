"""Images straight from a registry, without any engine.

``source`` makes images, ``client`` speaks the protocol, ``auth`` proves who we are, ``blob`` reads through broken
connections, ``transport`` is the only one that knows HTTP and urllib3. Import this package only when a registry is to
be asked: it takes a while.
"""

from imgscan.sources.registry.source import RegistrySource

__all__ = ["RegistrySource"]
