"""What people are used to from `functools`."""

from __future__ import annotations

import functools
import pickle
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
from rememo import Cache, memoize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache of the test's own."""
    with Cache(tmp_path / "results") as cache:
        yield cache


def double(x: float) -> float:
    """Doubles."""
    return 2 * x


def test_the_words_of_lru_cache_are_taken_and_told(cache: Cache) -> None:
    kept = cache.memoize(maxsize=128, typed=False)(double)
    theirs: Any = functools.lru_cache(maxsize=128, typed=False)(double)
    assert kept.cache_parameters() == theirs.cache_parameters()
    kept.cache_parameters()["maxsize"] = 1
    assert kept.cache_parameters() == theirs.cache_parameters()
    assert kept.__wrapped__ is theirs.__wrapped__ is double
    assert kept.__doc__ == theirs.__doc__
    assert (kept(2), kept(2)) == (4, 4)
    assert (kept.cache_info().hits, kept.cache_info().misses) == (1, 1)
    assert kept.cache_info().currsize == kept.cache_info().entries == 1
    # What is told of the bound is what there is, and not what was asked.
    assert kept.cache_info().maxsize is None
    for each in (kept, theirs):
        each(2)
        each.cache_clear()
    counted = [(each.cache_info().hits, each.cache_info().misses) for each in (kept, theirs)]
    assert counted == [(0, 0), (0, 0)]
    assert kept.cache_info().currsize == 0
    assert (kept(2), kept.cache_info()[:2]) == (4, (0, 1))


def test_types_are_always_told_apart_and_nothing_is_let_go_of(cache: Cache) -> None:
    kept = cache.memoize(maxsize=1, typed=False)(double)
    assert [repr(kept(x)) for x in (1, 1.0, True)] == ["2", "2.0", "2"]
    assert all(kept.would_hit(x) for x in (1, 1.0, True))
    assert cache.memoize(double).cache_parameters() == {"maxsize": None, "typed": True}


def test_they_do_not_count_for_what_is_stored(cache: Cache) -> None:
    cache.memoize(double)(3)
    assert cache.memoize(double, maxsize=5, typed=False).would_hit(3)


def test_methods_tell_too(cache: Cache) -> None:
    class Doubles:
        @cache.memoize(maxsize=3)
        def double(self, x: int) -> int:
            return 2 * x

    assert Doubles().double.cache_parameters() == {"maxsize": 3, "typed": True}


def test_they_travel(cache: Cache) -> None:
    def local(x: float) -> float:
        return x

    kept = cache.memoize(local, maxsize=7, typed=False, round_floats={"x": 1})
    there: Any = pickle.loads(cloudpickle.dumps(kept))
    assert there.cache_parameters() == {"maxsize": 7, "typed": False}
    assert there(0.123) == 0.1


@pytest.mark.parametrize("words", [{"maxsize": "many"}, {"maxsize": True}, {"typed": 1}])
def test_what_they_do_not_take_is_refused_here_too(words: Any) -> None:
    with pytest.raises(TypeError, match="must be"):
        memoize(double, **words)
