"""Memoization that does not pay, or that goes wrong: hits that are verified, functions that are
switched off, caches that are too small."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from rememo import (
    Cache,
    CacheThrashingWarning,
    NondeterminismWarning,
    OverheadWarning,
    _core,
    memoize,
    notices,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache of its own."""
    notices.forget()
    with Cache(tmp_path / "cache") as cache:
        yield cache


@pytest.fixture
def events() -> Iterator[list[str]]:
    """The names of what happens."""
    heard: list[str] = []
    token = _core.subscribe(lambda event: heard.append(event["event"]))
    yield heard
    _core.unsubscribe(token)


# What no fingerprint sees: attributes of this do not count.
class Hidden:
    """A source of what changes without being seen."""

    def __init__(self) -> None:
        """Begins to count."""
        self.numbers = itertools.count()

    def __getfrozenstate__(self) -> str:
        """Says that nothing of it counts."""
        return ""


hidden = Hidden()


def test_a_verified_hit_is_run_and_compared(cache: Cache, events: list[str]) -> None:
    """Whether it is in memory or not; one that comes out the same stays."""

    @cache.memoize(verify=1)
    def double(x):
        return {"twice": [2 * x, {x, -x}]}

    for _ in range(3):
        assert double(4) == {"twice": [8, {4, -4}]}
    assert events == ["miss", "stored", "verified", "verified"]
    [stats] = cache.stats().values()
    assert (stats.hits, stats.verified, stats.differed) == (0, 2, 0)
    assert stats.saved_seconds == 0


def test_a_result_that_comes_out_otherwise_is_told_and_replaced(
    cache: Cache, events: list[str]
) -> None:
    """With the first place in which they differ, once."""

    @cache.memoize(verify=1)
    def draw(x, hidden):
        return {"x": x, "numbers": [7, next(hidden.numbers)]}

    first = draw(1, hidden)["numbers"][1]
    with pytest.warns(NondeterminismWarning) as told:
        again = draw(1, hidden)
    [warning] = told
    assert f"result['numbers'][1]: {first} became {first + 1}" in str(warning.message)
    assert warning.filename == __file__
    assert again["numbers"][1] == first + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(1, hidden)
    assert events == ["miss", "stored", *["verified", "stored"] * 2]
    assert cache.usage().entries == 1
    [stats] = cache.stats().values()
    assert (stats.verified, stats.differed) == (2, 2)
    unverified = cache.memoize(draw.__wrapped__)
    assert unverified(1, hidden)["numbers"][1] == first + 2


def test_a_share_of_hits_is_verified(cache: Cache, events: list[str]) -> None:
    """About as large as it should be."""

    @cache.memoize(verify=0.1)
    def double(x):
        return 2 * x

    for _ in range(3000):
        double(1)
    assert 200 < events.count("verified") < 400
    assert events.count("hit") == 3000 - 1 - events.count("verified")


def test_results_that_pickle_otherwise_may_be_the_same(cache: Cache, events: list[str]) -> None:
    """What one object twice, and two that are equal, have in common is all that counts."""

    @cache.memoize(verify=1)
    def pair(x, hidden):
        one = [x]
        return [one, one] if next(hidden.numbers) % 2 else [one, [x]]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert pair(1, hidden) == [[1], [1]]
    assert events == ["miss", "stored", "verified", "verified"]


def test_a_run_that_fails_when_it_is_verified_raises(cache: Cache) -> None:
    """As the plain call would."""

    @cache.memoize(verify=1)
    def inverse(x, hidden):
        if next(hidden.numbers) > at:
            raise ZeroDivisionError
        return 1 / x

    at = next(hidden.numbers) + 1
    assert inverse(2, hidden) == 0.5
    with pytest.raises(ZeroDivisionError):
        inverse(2, hidden)


def test_a_function_that_is_not_worth_while_is_switched_off(
    cache: Cache, events: list[str]
) -> None:
    """Once it is plain, which is told."""

    @cache.memoize(auto_disable=True)
    def quick(x):
        return x

    with pytest.warns(OverheadWarning, match="quick runs without being cached from now on, for it"):
        assert [quick(x) for x in range(200)] == [*range(200)]
    assert events.count("switched_off") == 1
    assert 100 <= events.count("miss") < 200
    assert "switched off" in quick.explain(1).reason
    before = len(events)
    assert quick(1) == 1
    assert len(events) == before


def test_hits_from_memory_that_are_not_worth_while_switch_off(cache: Cache) -> None:
    """Such as those of what is quicker than the fingerprint of its argument."""

    class Large:
        def __getfrozenstate__(self):
            return sum(range(20_000))

    @cache.memoize(auto_disable=True)
    def quick(x):
        pass

    large = Large()
    quick(large)
    with pytest.warns(OverheadWarning):
        assert {quick(large) for _ in range(3_000)} == {None}
    assert quick.cache_info().hits < 3_000


def test_a_function_that_is_worth_while_stays_on(cache: Cache, events: list[str]) -> None:
    """Though each result be of use in a later process only."""

    @cache.memoize(auto_disable=True)
    def slow(x):
        for _ in range(300_000):
            pass
        return x

    for x in range(150):
        slow(x)
    assert "switched_off" not in events
    assert slow.would_hit(1)


def test_a_generator_can_be_switched_off(cache: Cache) -> None:
    """Its items are the same."""

    @cache.memoize(auto_disable=True)
    def items(x):
        yield x

    with pytest.warns(OverheadWarning):
        assert [list(items(x)) for x in range(300)] == [[x] for x in range(300)]


def test_a_cache_that_is_too_small_is_told(tmp_path: Path) -> None:
    """Once for each function, when results that went were made again."""
    notices.forget()
    with Cache(tmp_path / "cache", max_size="100 KiB") as cache:

        @cache.memoize
        def large(x):
            return bytes([x]) * 20_000

        @cache.memoize
        def other(x):
            return x

        def use():
            for x in range(10):
                large(x)
            # What is removed on request is taken from memory, all else with it.
            other(1)
            other.clear_entry(1)

        with pytest.warns(CacheThrashingWarning, match="cache is too small: 10 results of") as told:
            any(use() for _ in range(6))
        assert len(told) == 1


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"verify": 2}, ValueError, "a share of hits, from 0 to 1"),
        ({"verify": -0.5}, ValueError, "a share of hits"),
        ({"verify": float("nan")}, ValueError, "a share of hits"),
        ({"verify": "some"}, TypeError, "verify"),
        ({"auto_disable": "yes"}, TypeError, "auto_disable"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: dict[str, Any], error: type[Exception], why: str
) -> None:
    """When the function is memoized."""
    with pytest.raises(error, match=why):
        memoize(lambda: None, **options)


def test_what_returns_its_result_later_is_not_verified() -> None:
    """Said when it is memoized."""

    def items():
        yield 1

    with pytest.raises(TypeError, match="returns its result later, and verify= is for"):
        memoize(verify=0.1)(items)


def test_results_that_go_and_are_not_asked_for_again_are_no_thrashing(tmp_path: Path) -> None:
    """They may go in the very transaction that stores them, along with others."""
    with Cache(tmp_path, max_size="256 KiB", flush_every=60) as cache:

        @cache.memoize
        def squares(n: int) -> list[int]:
            return [i * i for i in range(n)]

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for n in range(10_000, 10_100):
                squares(n)
            cache.commit()
        assert cache.usage().entries < 100
