"""Memoized functions as methods of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable

    from rememo import _core
    from rememo.explain import Explanation
    from rememo.info import Entry
    from rememo.shelved import Held, Shelved

P = ParamSpec("P")
R = TypeVar("R")


class _Documentation:
    """The class's own text for the class, the function's for an instance."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def __get__(self, bound: BoundMemoized[..., Any] | None, owner: type) -> str | None:
        return self._text if bound is None else bound.__func__.__doc__


class BoundMemoized(Generic[P, R]):
    """A memoized function with its first argument: what ``instance.method`` is.

    It is called, and asked, as the function is, without that argument.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> class Square:
    ...     def __init__(self, side):
    ...         self.side = side
    ...     @cache.memoize
    ...     def area(self):
    ...         return self.side**2
    >>> Square(3).area(), Square(3).area.would_hit(), Square(4).area.would_hit()
    (9, True, False)
    >>> cache.close()
    """

    __slots__ = ("__func__", "__self__", "__weakref__")

    def __init__(self, func: _core.Memoized[..., Any], instance: object) -> None:
        """Binds a function to an instance."""
        self.__func__ = func
        self.__self__ = instance

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function."""
        return self.__func__(self.__self__, *args, **kwargs)

    def call(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the function whatever is stored, and stores the result."""
        return self.__func__.call(self.__self__, *args, **kwargs)

    def call_if_cached(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns the stored result, or raises `rememo.NotCached`."""
        return self.__func__.call_if_cached(self.__self__, *args, **kwargs)

    def call_and_shelve(self, /, *args: P.args, **kwargs: P.kwargs) -> Shelved[R] | Held[R]:
        """Makes the call, and returns a handle of its result, with ``get()`` and ``clear()``."""
        return self.__func__.call_and_shelve(self.__self__, *args, **kwargs)

    def would_hit(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Says whether the call would be answered from the cache."""
        return self.__func__.would_hit(self.__self__, *args, **kwargs)

    def explain(self, /, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Says whether the call is a hit and, if not, what changed."""
        return self.__func__.explain(self.__self__, *args, **kwargs)

    def entry(self, /, *args: P.args, **kwargs: P.kwargs) -> Entry | None:
        """Returns what would answer the call; None where nothing would."""
        return self.__func__.entry(self.__self__, *args, **kwargs)

    def clear_entry(self, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forgets the result of the call; whether there was one."""
        return self.__func__.clear_entry(self.__self__, *args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters, without the one that is bound."""
        import inspect

        signature = inspect.signature(self.__func__)
        first, *others = signature.parameters.values()
        taken = [first, *others] if first.kind is first.VAR_POSITIONAL else others
        return signature.replace(parameters=taken)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Finds everything else on the function, as methods do."""
        return getattr(self.__func__, name)

    def __eq__(self, other: object) -> bool:
        """Equals the same function of the same instance, as methods do."""
        if not isinstance(other, BoundMemoized):
            return NotImplemented
        return self.__self__ is other.__self__ and self.__func__ is other.__func__

    def __hash__(self) -> int:
        """Agrees with equality."""
        return hash((id(self.__self__), id(self.__func__)))

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, str]]:
        """Travels by its instance and its name, as methods do."""
        return getattr, (self.__self__, self.__func__.__name__)

    def __repr__(self) -> str:
        """Shows the function and the instance."""
        return f"<bound {self.__func__!r} of {self.__self__!r}>"


BoundMemoized.__doc__ = cast("str", _Documentation(BoundMemoized.__doc__))
