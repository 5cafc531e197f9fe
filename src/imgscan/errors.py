"""Every exception imgscan raises on purpose.

::

    ImgscanError                   message, where, hint
    ├── UsageError                 an option, a configuration file or an environment variable is wrong
    ├── RuleError                  a rule file cannot be used
    ├── InvalidReferenceError      the text does not name an image
    ├── SourceError                the image could not be had
    │   ├── ImageNotFoundError
    │   ├── AccessDeniedError
    │   ├── RateLimitedError
    │   └── UnreachableError       no engine, no network, no answer in time
    └── ImageFormatError           what came is not what it should be
        ├── DigestMismatchError
        ├── BlobAbsentError        named by a manifest, but not there
        └── LimitExceededError     a budget of ``imgscan.streams.limits`` ran out

An exception means that this layer, image or rule file cannot go on; ``imgscan.scan`` turns those below image level
into notices. No message, repr or attribute ever holds a secret or a credential.
"""

from __future__ import annotations


class ImgscanError(Exception):
    """Base of all errors: what happened, where, and what to do next.

    ``message`` is lower case without a full stop; ``where`` is an image, a layer, a file or an option; ``hint`` is the
    next step for the person who reads it.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(ImgscanError):
    """An option, a configuration file or an environment variable is wrong."""


class RuleError(ImgscanError):
    """A rule file cannot be used."""


class InvalidReferenceError(ImgscanError):
    """The text does not name an image."""


class SourceError(ImgscanError):
    """The image could not be had."""


class ImageNotFoundError(SourceError):
    """The source answered, and does not have the image."""


class AccessDeniedError(SourceError):
    """The source answered, and refused."""


class RateLimitedError(SourceError):
    """The source asked to come back later."""


class UnreachableError(SourceError):
    """There is no engine, no network, or no answer in time."""


class ImageFormatError(ImgscanError):
    """What came is not what it should be."""


class DigestMismatchError(ImageFormatError):
    """Content does not have the digest it was asked for by."""


class BlobAbsentError(ImageFormatError):
    """A blob is named by a manifest, but is not there."""


class LimitExceededError(ImageFormatError):
    """A budget ran out."""
