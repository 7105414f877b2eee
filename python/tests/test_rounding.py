"""`round_floats`: numbers in arguments that count, and are passed on, rounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rememo import Cache, memoize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from conftest import Program


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache of the test's own."""
    with Cache(tmp_path / "results") as cache:
        yield cache


def test_numbers_that_round_to_the_same_are_one_call_and_the_function_sees_what_is_left(
    cache: Cache,
) -> None:
    @cache.memoize(round_floats={"x": 3})
    def plus(x: float, y: float) -> tuple[float, float]:
        return x, y

    assert plus(1.00049, 1.00049) == (1.0, 1.00049)
    assert plus(0.9996, y=1.00049) == (1.0, 1.00049)
    assert plus(y=1.00049, x=1) == (1, 1.00049)
    assert plus.cache_info()[:2] == (1, 2)
    assert plus.would_hit(x=1.0001, y=1.00049)
    assert not plus.would_hit(1.001, 1.00049)
    assert not plus.would_hit(1.0, 1.0)
    assert plus.call_if_cached(1.0003, 1.00049) == (1.0, 1.00049)
    assert plus.clear_entry(1.0002, 1.00049)
    assert not plus.clear_entry(1.0, 1.00049)


def test_it_does_not_matter_which_call_comes_first(cache: Cache) -> None:
    def exact(x: float) -> float:
        return x * 1000

    kept = cache.memoize(exact, round_floats={"x": 2})
    first = [kept(x) for x in (0.1249, 0.12)]
    kept.cache_clear()
    assert [kept(x) for x in (0.12, 0.1249)] == first == [120.0, 120.0]
    with Cache(temporary=True) as other:
        off = other.memoize(exact, round_floats={"x": 2}, enabled=False)
        assert off(0.1249) == 120.0


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (-0.0004, 0.0),
        (0.1 + 0.2, 0.3),
        (1 + 2.0004j, 1 + 2j),
        (True, True),
        (7, 7),
        ("1.23456", "1.23456"),
        (None, None),
        (float("inf"), float("inf")),
        ([1.00001, (2.00001, {"a": 3.00001})], [1.0, (2.0, {"a": 3.0})]),
        (np.float32(1.00001), np.float32(1.0)),
        (np.array([1.00001, -0.00001]), np.array([1.0, 0.0])),
        (np.array([1, 2]), np.array([1, 2])),
        (np.array([1.00001], dtype="f4"), np.array([1.0], dtype="f4")),
    ],
    ids=repr,
)
def test_what_is_rounded_keeps_its_type(cache: Cache, value: Any, seen: Any) -> None:
    @cache.memoize(round_floats={"x": 3})
    def same(x: object) -> object:
        return x

    for _ in range(2):
        found: Any = same(value)
        assert type(found) is type(seen)
        assert np.array_equal(found, seen) if isinstance(seen, np.ndarray) else found == seen
        assert getattr(found, "dtype", None) == getattr(seen, "dtype", None)
        if isinstance(seen, (float, np.ndarray)):
            assert not np.signbit(found).any()
    assert same.cache_info().hits == 1


def test_nan_is_one_call(cache: Cache) -> None:
    same = cache.memoize(lambda x: x, round_floats={"x": 3})
    assert same(float("nan")) != same(float("nan"))
    assert same.cache_info().hits == 1


def test_arguments_of_others_are_left_alone(cache: Cache) -> None:
    mine, array = [1.23456], np.array([1.23456])
    cache.memoize(lambda x, y: None, round_floats={"x": 1, "y": 1})(mine, array)
    assert mine == [1.23456]
    assert array[0] == 1.23456


def test_parameters_of_every_kind(cache: Cache) -> None:
    digits = {"a": 0, "rest": 1, "c": 2, "others": 3}

    @cache.memoize(round_floats=digits)
    def everything(a: float, /, b: float, *rest: float, c: float, **others: float) -> list[float]:
        return [a, b, *rest, c, *others.values()]

    given = everything(1.2345, 1.2345, 1.2345, c=1.2345, a=1.2345)
    assert given == [1.0, 1.2345, 1.2, 1.23, 1.234]


def test_a_method_and_a_default(cache: Cache) -> None:
    class Scale:
        @cache.memoize(round_floats={"x": 1})
        def by(self, x: float = 0.123) -> float:
            return x

    assert Scale().by() == 0.123
    assert Scale().by(0.123) == Scale().by(x=0.1) == 0.1
    assert Scale().by.would_hit(0.14)


def test_functions_whose_result_comes_later(cache: Cache) -> None:
    @cache.memoize(round_floats={"x": 1})
    async def later(x: float) -> float:
        return x

    @cache.memoize(round_floats={"x": 1})
    def items(x: float) -> Iterator[float]:
        yield x

    @cache.memoize(round_floats={"x": 1})
    async def items_later(x: float) -> AsyncIterator[float]:
        yield x

    async def use(x: float) -> list[float]:
        return [await later(x), *items(x), *[item async for item in items_later(x)]]

    for x in (0.12, 0.08):
        assert asyncio.run(use(x)) == [0.1] * 3
    assert [one.cache_info().hits for one in (later, items, items_later)] == [1, 1, 1]


def test_another_rounding_is_another_function_for_those_who_call_it(program: Program) -> None:
    text = """
    from rememo import memoize
    @memoize(round_floats={"x": DIGITS})
    def inner(x):
        return x
    @memoize
    def outer():
        return inner(0.123456)
    """
    for digits, rounded in ((2, 0.12), (4, 0.1235)):
        program.write(module=text.replace("DIGITS", str(digits)))
        out, events = program.run("import module; out = module.outer()")
        assert out == rounded
        assert "stored" in events
        assert program.run("import module; out = module.outer()") == (rounded, ["hit"])


@pytest.mark.parametrize(
    ("digits", "error"),
    [
        (3, "must say for each parameter"),
        (["x"], "must say for each parameter"),
        ({"z": 3}, "no parameter 'z' to round; its parameters: x, y"),
        ({"x": 1.5}, "whole number, not 1.5"),
        ({"x": True}, "whole number, not True"),
        ({"x": None}, "whole number, not None"),
    ],
)
def test_what_makes_no_sense_is_an_error(digits: Any, error: str) -> None:
    with pytest.raises(TypeError, match=error):
        memoize(lambda x, y: x + y, round_floats=digits)


def test_more_digits_than_there_are_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot keep 401 digits"):
        memoize(lambda x: x, round_floats={"x": 401})
