from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, final

from rememo.explain import Explanation
from rememo.info import CacheInfo

__all__ = [
    "Memoized",
    "Store",
    "after_fork_in_child",
    "after_fork_in_parent",
    "before_fork",
    "freeze",
    "subscribe",
    "unsubscribe",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

@final
class Store:
    # Opens the directory, making it if need be.
    def __new__(cls, dir: str) -> Store: ...  # noqa: A002
    @property
    def path(self) -> str: ...
    def clear(self) -> None: ...

@final
class Memoized(Generic[_P, _R]):
    # `cache_resolver` is asked on every call for the store to use, so it must be quick.
    def __new__(
        cls, func: Callable[_P, _R], cache_resolver: Callable[[], Store]
    ) -> Memoized[_P, _R]: ...
    __wrapped__: Callable[_P, _R]
    __name__: str
    __qualname__: str
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    # Runs the function whatever is stored, and stores the result.
    def call(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    # Raises NotCached where there is no stored result.
    def call_if_cached(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    def would_hit(self, *args: _P.args, **kwargs: _P.kwargs) -> bool: ...
    def explain(self, *args: _P.args, **kwargs: _P.kwargs) -> Explanation: ...
    # Says whether there was an entry to remove.
    def clear_entry(self, *args: _P.args, **kwargs: _P.kwargs) -> bool: ...
    def cache_clear(self) -> None: ...
    def cache_info(self) -> CacheInfo: ...

# Raises TypeError for what has no fingerprint.
def freeze(obj: object) -> str: ...

# An event is a dict with at least "event" and "function"; "event" is one of hit, miss, stored,
# not_stored, bypassed, invalidated and degraded. The result is a token for `unsubscribe`.
def subscribe(callback: Callable[[dict[str, Any]], object]) -> int: ...
def unsubscribe(token: int) -> None: ...
def before_fork() -> None: ...
def after_fork_in_parent() -> None: ...
def after_fork_in_child() -> None: ...
