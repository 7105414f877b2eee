"""Handles of results: `call_and_shelve`."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
import rememo
from rememo import Held, Shelved

if TYPE_CHECKING:
    from rememo import Cache


def double(x: int) -> list[int]:
    return [x, x]


def test_a_handle_reads_its_result(rememo_cache: Cache) -> None:
    f = rememo_cache.memoize(double)
    handle = f.call_and_shelve(4)
    assert isinstance(handle, Shelved)
    assert handle.get() == [4, 4]
    assert handle.get() is not handle.get()
    assert len(pickle.dumps(handle)) < 2000
    assert pickle.loads(pickle.dumps(handle)).get() == [4, 4]
    # It is the call's own entry: the next call hits, and clearing it is a miss.
    f.call_and_shelve(x=4)
    assert f.cache_info().hits == 1
    handle.clear()
    assert not f.would_hit(4)
    with pytest.raises(KeyError, match="is not in"):
        handle.get()


def test_of_a_method(rememo_cache: Cache) -> None:
    class Square:
        def __init__(self, side: int) -> None:
            self.side = side

        @rememo_cache.memoize
        def area(self) -> int:
            return self.side**2

    assert Square(3).area.call_and_shelve().get() == 9


def test_what_is_not_stored_is_held(rememo_cache: Cache) -> None:
    f = rememo_cache.memoize(lambda: (n for n in ()))
    with pytest.warns(rememo.NotCachedWarning):
        handle = f.call_and_shelve()
    assert isinstance(handle, Held)
    assert handle.valid
    assert list(handle.get()) == []
    handle.clear()
    with pytest.raises(KeyError):
        handle.get()


def test_what_comes_later_has_no_handle(rememo_cache: Cache) -> None:
    async def later() -> int:
        return 1

    with pytest.raises(TypeError, match="returns its result later"):
        rememo_cache.memoize(later).call_and_shelve()
