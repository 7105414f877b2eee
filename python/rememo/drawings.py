"""Functions that draw on pyplot's current figure: what they draw is kept, and drawn again on a hit.

The function draws on a copy of the figure that is current when it is called. What became of the
copy is kept as its result is; and then, on a hit or not, the caller's figure and all that is in it
become what the copy became.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from rememo import pyplot, scratch
from rememo.callables import handed_to
from rememo.memoize import memoize
from rememo.methods import BoundMemoized
from rememo.notices import tell
from rememo.warnings import StoreWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo.explain import Explanation
    from rememo.info import CacheInfo

P = ParamSpec("P")
R = TypeVar("R")

# The first parameter of what is memoized: the figure that is drawn on.
FIGURE = "current_figure"
# The options of `memoize` that are for values.
REFUSED = ("cache_exceptions", "results", "verify")


class Drawing(Generic[P, R]):
    """A function of which what it draws is kept; made by `drawing`."""

    def __init__(self, func: Callable[P, R], options: dict[str, Any]) -> None:
        """Memoizes a function; the options are those of `memoize`."""
        functools.update_wrapper(self, func)
        self._memoized = memoize(_with_figure(func), **options)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Draws, and returns what the function does."""
        return self._finished(self._memoized, *args, **kwargs)

    def call(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the function whatever is stored, and stores what it draws."""
        return self._finished(self._memoized.call, *args, **kwargs)

    def _finished(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> R:  # noqa: ANN401
        figure = pyplot.current_figure()
        drawn = call(figure, *args, **kwargs)
        if not isinstance(drawn, scratch.Drawn):
            # Drawn on the figure itself.
            return drawn[0]
        try:
            work = drawn.opened(figure)
        except Exception as error:  # noqa: BLE001  unpickling runs any code
            tell(
                f"what {self.__qualname__} drew cannot be read ({error}), and is drawn anew",
                StoreWarning,
            )
            return self.__wrapped__(*args, **kwargs)
        return work.finish(figure)

    def would_hit(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Says whether the call, on this figure, would be answered from the cache."""
        return self._memoized.would_hit(pyplot.current_figure(), *args, **kwargs)

    def explain(self, /, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Says whether the call, on this figure, is a hit and, if not, what changed."""
        return self._memoized.explain(pyplot.current_figure(), *args, **kwargs)

    def clear_entry(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forgets what the call draws on this figure; whether there was something."""
        return self._memoized.clear_entry(pyplot.current_figure(), *args, **kwargs)

    def cache_info(self) -> CacheInfo:
        """Counts hits and misses of this process, and what is stored."""
        return self._memoized.cache_info()

    def cache_clear(self) -> None:
        """Forgets all that it drew."""
        self._memoized.cache_clear()

    __wrapped__: Callable[P, R]
    __qualname__: str

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401
        """Binds the function to an instance, as methods are."""
        if instance is None:
            return self
        return cast("Any", BoundMemoized)(self, instance)

    def __repr__(self) -> str:
        """Shows the function."""
        return f"<drawing function {self.__qualname__}>"


@overload
def drawing(func: Callable[P, R]) -> Drawing[P, R]: ...
@overload
def drawing(
    func: None = None,
    **options: Any,  # noqa: ANN401  those of `memoize`
) -> Callable[[Callable[P, R]], Drawing[P, R]]: ...
def drawing(
    func: Callable[P, R] | None = None,
    **options: Any,
) -> Drawing[P, R] | Callable[[Callable[P, R]], Drawing[P, R]]:
    """Keeps what a function draws on pyplot's current figure, and draws it again on a hit.

    The figure that is current when it is called counts as an argument does, by what is drawn in it;
    so do matplotlib's settings. Afterwards the figure has the same pixels as if the function had
    run, and figures that it made and left open are open. Use it bare, ``@drawing``, or with the
    options of `memoize`, ``@drawing(cache=...)``.

    Functions that make a figure and return it need none of this: `memoize` keeps their figures.

    Args:
        func: a plain function.
        **options: those of `memoize`, but for ``cache_exceptions``, ``results`` and ``verify``.

    Raises:
        TypeError: if it is no plain function, or an option is not of its type.

    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import matplotlib.pyplot as plt
    >>> from rememo import Cache, drawing
    >>> with Cache(temporary=True) as cache:
    ...     @drawing(cache=cache)
    ...     def curve(values):
    ...         plt.plot(values)
    ...     for _ in range(2):
    ...         figure = plt.figure()
    ...         curve([1, 4, 9])
    ...         print(len(figure.axes[0].lines), curve.cache_info().hits)
    ...         plt.close(figure)
    1 0
    1 1
    """
    for name in REFUSED:
        if name in options:
            raise TypeError(f"drawing() takes no {name}=: leave it out")
    if func is None:
        return lambda func: Drawing(func, options)
    return Drawing(func, options)


def _with_figure(func: Any) -> FunctionType:  # noqa: ANN401
    """Returns a function of the figure and the parameters of another, which draws by that."""
    import inspect

    if not isinstance(func, FunctionType) or inspect.iscoroutinefunction(func):
        raise TypeError(f"drawing() takes a plain function, not {func!r}")
    if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
        raise TypeError(f"drawing() takes a plain function, and {func.__qualname__} is a generator")
    if FIGURE in inspect.signature(func).parameters:
        raise TypeError(f"{func.__qualname__} has a parameter {FIGURE!r}: call it something else")
    return handed_to(func, _drawn, FIGURE)


def _drawn(func: Callable[..., Any], figure: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
    """Returns what a function draws on a copy of a figure; or, in a tuple, just its result."""
    try:
        paper = scratch.Paper(figure)
    except Exception as error:  # noqa: BLE001  copying runs any code
        tell(
            f"what {func.__qualname__} draws is not kept, for the current figure cannot be copied "
            f"({error})",
            StoreWarning,
        )
        return (func(*args, **kwargs),)
    try:
        with paper:
            result = func(*args, **kwargs)
    except BaseException:
        paper.drawn(None).opened(figure).finish(figure)
        raise
    return paper.drawn(result)
