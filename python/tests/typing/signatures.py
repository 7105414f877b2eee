"""What a type checker must see; checked by pyright and mypy, never run."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar, assert_type, overload

from rememo import Cache, CacheInfo, Explanation, Frozen, Ignore, Memoized, memoize


@memoize
def bare(x: int, *, scale: float = 1.0) -> str:
    """Memoized without parentheses."""
    return str(x * scale)


@memoize(cache=Cache(temporary=True))
def called(x: int) -> list[int]:
    """Memoized with options."""
    return [x]


@Cache(temporary=True).memoize
def kept(x: int) -> bytes:
    """Memoized in a cache."""
    return bytes(x)


@Cache(temporary=True).memoize(ignore=["y"])
def kept_in_part(x: int, y: int) -> bytes:
    """Memoized in a cache, with options."""
    return bytes(x + y)


T = TypeVar("T")


@memoize
def first(items: list[T]) -> T:
    """Memoized, and generic."""
    return items[0]


@overload
def twice(x: int) -> int: ...
@overload
def twice(x: str) -> str: ...
@memoize
def twice(x: int | str) -> int | str:
    """Memoized, with overloads."""
    return x * 2


@memoize
async def later(x: int) -> str:
    """A coroutine function."""
    return str(x)


@memoize
def several(n: int) -> Iterator[int]:
    """A generator function."""
    yield from range(n)


@memoize
async def several_later(n: int) -> AsyncIterator[int]:
    """An asynchronous generator function."""
    for i in range(n):
        yield i


class Ruler:
    """A class with memoized methods."""

    @memoize
    def measure(self, x: int) -> float:
        """Takes the instance first."""
        return float(x)

    @property
    @memoize
    def size(self) -> float:
        """Takes the instance only."""
        return 1.0

    @classmethod
    @memoize
    def folding(cls, parts: int) -> list[str]:
        """Takes the class first."""
        return [cls.__name__] * parts

    @memoize
    async def read(self, x: int) -> bytes:
        """Takes the instance first, and is awaited."""
        return bytes(x)

    @staticmethod
    @memoize
    def halve(x: int) -> float:
        """Takes no instance."""
        return x / 2


assert_type(first([1]), int)
assert_type(first(["a"]), str)
assert_type(first.call_if_cached(["a"]), str)
assert_type(twice(1), int)
assert_type(twice("a"), str)
assert_type(several(1), Iterator[int])
assert_type(memoize(functools.partial(called, 1))(), list[int])


async def awaited() -> None:
    """What comes of waiting."""
    assert_type(await later(1), str)
    assert_type(await Ruler().read(1), bytes)
    assert_type(await later.call_if_cached(1), str)
    assert_type([item async for item in several_later(1)], list[int])


assert_type(bare(1), str)
assert_type(bare(x=1, scale=2), str)
assert_type(called(1), list[int])
assert_type(bare.call(1), str)
assert_type(bare.call_if_cached(1), str)
assert_type(bare.would_hit(1), bool)
assert_type(bare.explain(1), Explanation)
assert_type(bare.cache_info(), CacheInfo)

assert_type(kept(1), bytes)
assert_type(kept_in_part(1, 2), bytes)
assert_type(Ruler().measure(1), float)
assert_type(Ruler().measure.would_hit(1), bool)
assert_type(Ruler().measure.call_if_cached(1), float)
assert_type(Ruler.measure(Ruler(), 1), float)
assert_type(Ruler.measure.would_hit(Ruler(), 1), bool)
assert_type(Ruler().size, float)
assert_type(Ruler.halve(1), float)
assert_type(Ruler.folding(1), list[str])
assert_type(Ruler().folding(parts=1), list[str])
assert_type(Ruler.folding.would_hit(1), bool)
bare(Ignore(1), scale=Frozen(2.0))

plain: Callable[[int], list[int]] = called
handle: Memoized[[int], list[int]] = called

bare("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
bare(1, 2.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Ruler().measure()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
bare.explain()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Ruler.folding("a")  # pyright: ignore[reportArgumentType]
Ruler().measure.would_hit("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
twice(1.5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
