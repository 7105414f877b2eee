"""What matplotlib keeps for the whole process is watched: pyplot's figures, and the settings.

A memoized function that draws on a figure that was there before leaves something that a hit would
not; one that makes a figure of its own depends on nothing but the settings.
"""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rememo import _core

# Where a manager of a figure keeps the number of that, by which it is told from later ones.
NUMBER = "_rememo_number"
# Settings that say where figures are shown, not what is in them.
PLACES = frozenset({"backend", "backend_fallback", "interactive", "toolbar"})
# How deep a result is looked into for figures.
DEEPEST = 3


class Figures(OrderedDict[Any, Any]):
    """The managers of pyplot's figures, by pyplot's own numbers: tells which are used."""

    def __setitem__(self, num: Any, manager: Any) -> None:  # noqa: ANN401  any number, any backend
        """Adds a figure, or makes it the current one."""
        if not hasattr(manager, NUMBER):
            give_number(manager)
        _use(manager)
        super().__setitem__(num, manager)

    def __getitem__(self, num: Any) -> Any:  # noqa: ANN401
        """Gives a figure."""
        return _use(super().__getitem__(num))

    def get(self, num: Any, default: Any = None) -> Any:  # noqa: ANN401
        """Gives a figure, if it is there."""
        found = super().get(num, default)
        return _use(found) if num in self.keys() else found

    def pop(self, num: Any, *default: Any) -> Any:  # noqa: ANN401  # pyright: ignore[reportIncompatibleMethodOverride]
        """Closes a figure."""
        return _use(super().pop(num, *default))

    def __contains__(self, num: object) -> bool:
        """Whether there is such a figure."""
        found = super().get(num)
        return found is not None and _use(found) is found

    def __bool__(self) -> bool:
        """Whether there is a current figure."""
        _core.figure_is_used(None)
        return len(self) > 0

    def values(self) -> Any:  # noqa: ANN401  not a view of a plain dictionary
        """Gives all figures, one by one."""
        return _Managers(list(super().values()))

    def items(self) -> Any:  # noqa: ANN401
        """Gives all figures with their numbers."""
        return [(num, _use(manager)) for num, manager in super().items()]

    def unnoted(self) -> list[Any]:
        """Gives all figures, without telling of it."""
        return list(super().values())


class _Managers(Sequence[Any]):
    """Managers of figures: each is used when it is handed out."""

    def __init__(self, managers: list[Any]) -> None:
        self._managers = managers

    def __len__(self) -> int:
        return len(self._managers)

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401
        return _use(self._managers[at])

    def __contains__(self, manager: object) -> bool:
        # Who has it need not ask for it.
        return manager in self._managers

    def __iter__(self) -> Iterator[Any]:
        return map(_use, iter(self._managers))

    def __reversed__(self) -> Iterator[Any]:
        return map(_use, reversed(self._managers))


def _use(manager: Any) -> Any:  # noqa: ANN401
    number = getattr(manager, NUMBER, None)
    if number is not None:
        _core.figure_is_used(number)
    return manager


def give_number(manager: Any) -> None:  # noqa: ANN401
    """Has a figure count as made now."""
    setattr(manager, NUMBER, _core.figure_is_made())


def count_as_known() -> None:
    """Lets a run ask whether there is a figure, and make one the current one."""
    _core.figure_is_made()


def watch() -> bool:
    """Has the use of figures and settings told of, as far as they are there; whether both are."""
    return _watch_settings() & _watch_figures()


def _watch_figures() -> bool:
    pylab: Any = sys.modules.get("matplotlib._pylab_helpers")
    known: Any = getattr(pylab, "Gcf", None)
    if known is None or not isinstance(getattr(known, "figs", None), OrderedDict):
        return False
    if not isinstance(known.figs, Figures):
        watched = Figures()
        for num, manager in known.figs.items():
            watched[num] = manager
        known.figs = watched
        known.destroy_fig = classmethod(_destroy_figure)
    return True


def _destroy_figure(kind: Any, figure: Any) -> None:  # noqa: ANN401
    """Closes a figure as matplotlib does, without a look at the others."""
    for manager in kind.figs.unnoted():
        if manager.canvas.figure == figure:
            kind.destroy(manager)
            return


def _watch_settings() -> bool:
    matplotlib: Any = sys.modules.get("matplotlib")
    kind: Any = getattr(matplotlib, "RcParams", None)
    if kind is None or not hasattr(matplotlib, "rcParams"):
        return False
    own = cast("dict[str, Any]", vars(kind))
    for names, told in ((_READING, _core.settings_are_read), (_SETTING, _core.settings_are_set)):
        for name in names:
            method = own.get(name)
            if method is not None and not hasattr(method, NUMBER):
                setattr(kind, name, _telling(method, told))
    return True


_READING = ("__getitem__", "_get", "__iter__", "__len__", "find_all", "copy", "__repr__")
_SETTING = ("__setitem__", "_set", "_update_raw", "__delitem__", "update", "setdefault", "pop")


def _telling(method: Any, told: Any) -> Any:  # noqa: ANN401  of whatever version of matplotlib
    settings = sys.modules["matplotlib"].rcParams

    @functools.wraps(method)
    def telling(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if self is settings:
            told()
        return method(self, *args, **kwargs)

    setattr(telling, NUMBER, 0)
    return telling


def settings() -> str:
    """Returns a digest of matplotlib's settings.

    Raises:
        TypeError: if one has none.
        ImportError: if matplotlib is gone.
    """
    import matplotlib as mpl

    raw: Any = dict
    known: Any = raw.items(mpl.rcParams)
    return _core.freeze(sorted((name, value) for name, value in known if name not in PLACES))


def left_open(before: int, value: object) -> bool:
    """Whether figures are open that were made since there were so many, and are not in a result."""
    known: Any = getattr(sys.modules.get("matplotlib._pylab_helpers"), "Gcf", None)
    if known is None:
        return False
    managers = known.figs.unnoted() if isinstance(known.figs, Figures) else known.figs.values()
    made = [one for one in managers if getattr(one, NUMBER, before + 1) > before]
    handed = _figures_in(value, DEEPEST) if made else set[int]()
    return any(id(one.canvas.figure) not in handed for one in made)


def _figures_in(value: Any, depth: int) -> set[int]:  # noqa: ANN401
    """Returns the figures, by address, in which a value is, or that it holds."""
    from matplotlib.artist import Artist

    if isinstance(value, Artist):
        figure: Any = value.figure
        while figure is not None and figure is not getattr(figure, "figure", figure):
            figure = figure.figure
        return {id(figure)}
    kind = cast("Any", type(value))
    inner: Any = ()
    if kind in {list, tuple, set, frozenset}:
        inner = value
    elif isinstance(value, Mapping):
        inner = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif kind.__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "O":
        inner = value.flat
    if depth == 0:
        return set()
    return {figure for one in inner for figure in _figures_in(one, depth - 1)}


def current_figure() -> Any:  # noqa: ANN401  a figure, if there is one
    """Returns pyplot's current figure; None if there is none."""
    import matplotlib.pyplot as plt

    watch()
    return plt.gcf() if plt.get_fignums() else None
