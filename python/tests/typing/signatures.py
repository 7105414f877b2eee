"""What a type checker must see; checked by pyright, never run."""

from collections.abc import Callable
from typing import assert_type

from rememo import Cache, CacheInfo, Explanation, Memoized, memoize


@memoize
def bare(x: int, *, scale: float = 1.0) -> str:
    """Memoized without parentheses."""
    return str(x * scale)


@memoize(cache=Cache(temporary=True))
def called(x: int) -> list[int]:
    """Memoized with options."""
    return [x]


assert_type(bare(1), str)
assert_type(bare(x=1, scale=2), str)
assert_type(called(1), list[int])
assert_type(bare.call(1), str)
assert_type(bare.call_if_cached(1), str)
assert_type(bare.would_hit(1), bool)
assert_type(bare.explain(1), Explanation)
assert_type(bare.cache_info(), CacheInfo)

plain: Callable[[int], list[int]] = called
handle: Memoized[[int], list[int]] = called

bare("1")  # pyright: ignore[reportArgumentType]
bare(1, 2.0)  # pyright: ignore[reportCallIssue]
bare.explain()  # pyright: ignore[reportCallIssue]
