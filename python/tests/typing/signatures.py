"""What a type checker must see; checked by pyright, never run."""

from collections.abc import Callable
from typing import assert_type

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


class Ruler:
    """A class with memoized methods."""

    @memoize
    def measure(self, x: int) -> float:
        """Takes the instance first."""
        return float(x)

    @staticmethod
    @memoize
    def halve(x: int) -> float:
        """Takes no instance."""
        return x / 2


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
assert_type(Ruler.measure(Ruler(), 1), float)
assert_type(Ruler.halve(1), float)
bare(Ignore(1), scale=Frozen(2.0))

plain: Callable[[int], list[int]] = called
handle: Memoized[[int], list[int]] = called

bare("1")  # pyright: ignore[reportArgumentType]
bare(1, 2.0)  # pyright: ignore[reportCallIssue]
Ruler().measure()  # pyright: ignore[reportCallIssue]
bare.explain()  # pyright: ignore[reportCallIssue]
