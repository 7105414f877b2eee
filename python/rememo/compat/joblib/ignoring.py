"""Parameters that do not count, which a function has, or the one that it wraps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rememo import _core

if TYPE_CHECKING:
    import inspect
    from collections.abc import Iterable
    from types import FunctionType


class Within:
    """The parameters of a wrapped function that do not count.

    Its wrapper takes whatever it is given, so they are found in each call by place and by name.
    """

    def __init__(self, ignored: Iterable[str], order: Iterable[str]) -> None:
        """Takes their names, and those of all parameters that may be given by place."""
        self._ignored = frozenset(ignored)
        self._order = [*order]

    def left_out(self, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:  # noqa: ANN401
        """Returns arguments of which those that do not count are marked."""
        names = [*self._order, *[""] * len(args)]
        by_place = (self._marked(*each) for each in zip(names, args, strict=False))
        return tuple(by_place), {name: self._marked(name, value) for name, value in kwargs.items()}

    def _marked(self, name: str, value: Any) -> Any:  # noqa: ANN401
        return _core.Ignore(value) if name in self._ignored else value


def label(parameter: inspect.Parameter) -> str:
    """What joblib calls a parameter: those that collect what is left are ``*`` and ``**``."""
    if parameter.kind is parameter.VAR_POSITIONAL:
        return "*"
    return "**" if parameter.kind is parameter.VAR_KEYWORD else parameter.name


def split(function: FunctionType, ignore: Iterable[str]) -> tuple[list[str], Within | None]:
    """Tells the names that are the function's own from those of what it wraps."""
    names = [*ignore]
    if not names:
        return names, None
    import inspect

    if not hasattr(function, "__wrapped__"):
        labels = {label(one): one.name for one in inspect.signature(function).parameters.values()}
        return [labels.get(name, name) for name in names], None
    own = inspect.signature(function, follow_wrapped=False).parameters
    wrapped = inspect.signature(function).parameters
    within = [name for name in names if name not in own and name in wrapped]
    if not within:
        return names, None
    by_name = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    order = (name for name, one in wrapped.items() if one.kind not in by_name)
    return [name for name in names if name not in within], Within(within, order)
