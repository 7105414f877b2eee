"""Fixtures for testing code that uses Rememo; pytest loads them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rememo import Cache

# rememo is imported inside the fixtures: tests that do not use it do not load it.


@pytest.fixture
def rememo_cache(tmp_path: Path) -> Iterator[Cache]:
    """Gives functions memoized without a cache an empty one, for this test only.

    Calls return once their results are stored, so that events come in the order of the calls.
    What was warned of in another test is warned of anew.
    """
    from rememo import notices
    from rememo.cache import Cache
    from rememo.resolvers import using

    notices.forget()
    with Cache(tmp_path / "rememo", flush_every=0, read_only=False) as cache, using(cache):
        yield cache


@pytest.fixture
def rememo_events() -> Iterator[list[dict[str, Any]]]:
    """Records what memoized functions do during this test, in order."""
    from rememo import _core

    events: list[dict[str, Any]] = []
    token = _core.subscribe(events.append)
    try:
        yield events
    finally:
        _core.unsubscribe(token)
