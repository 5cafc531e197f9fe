"""What several modules of unit tests start from."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_registry import FakeRegistry, Opener

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as fake:
        yield fake


@pytest.fixture
def opened(registry: FakeRegistry) -> Iterator[Opener]:
    with ExitStack() as stack:
        yield Opener(registry, stack)
