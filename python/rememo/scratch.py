"""A copy of pyplot's current figure to draw on, and what becomes of it, kept and carried over."""

from __future__ import annotations

import importlib
import io
import pickle
from collections import OrderedDict
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rememo import pyplot
from rememo.pickling import DefinitionsPickler

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

# What changes what pyplot keeps without its being told of.
_RAW: Any = OrderedDict
# In these, artists are found.
_SEQUENCES = frozenset({list, tuple})
# What belongs to the caller's figure and artists, whatever is drawn: where they are shown, and who
# is told of it.
_OWN = ("canvas", "_canvas_callbacks", "_button_pick_id", "_scroll_pick_id", "stale_callback")


class Made(NamedTuple):
    """A figure that was made."""

    figure: Any
    number: Any
    """pyplot's number of it, where that was asked for."""


class Work(NamedTuple):
    """What a call drew."""

    result: Any
    states: list[dict[str, Any]] | None
    """What became of the figure and what was in it, in order; None if it was closed."""
    made: list[Made]
    """The figures that were made, and are open."""
    current: bool
    """Whether the figure is still the current one."""

    def finish(self, figure: Any) -> Any:  # noqa: ANN401
        """Carries it over to the caller's figure, and returns the result."""
        plt = _plt()
        if self.states is None:
            plt.close(figure)
        else:
            for artist, state in zip(artists(figure), self.states, strict=True):
                _become(artist, state)
        for made in self.made:
            _open(made)
        if self.current and figure is not None and self.made:
            plt.figure(figure)
        return self.result


class Drawn:
    """What a call drew, as it is kept."""

    def __init__(self, packed: bytes | None, definitions: tuple[object, ...] = ()) -> None:
        """Takes what `packed` returned, and what that refers to by name."""
        self._packed = packed
        self._definitions = definitions
        self._work: Work | None = None
        self._known: list[Any] = []

    @classmethod
    def fresh(cls, work: Work, known: list[Any]) -> Drawn:
        """Takes what was drawn just now, on a copy of which the artists were these."""
        drawn = cls(None)
        drawn._work, drawn._known = work, known
        return drawn

    def opened(self, figure: Any) -> Work:  # noqa: ANN401
        """Returns it with the caller's artists in the place of the copy's."""
        known = artists(figure)
        if self._work is None:
            return _Unpacker(io.BytesIO(self._packed or b""), known, []).load()
        # What cannot be pickled is carried over within this process.
        loose: list[Any] = []
        own: list[Any] = []
        _carried(self._work.result, own.append)
        drawn = _packed((self._work.states, self._work.made, own), self._known, loose)
        states, made, theirs = _Unpacker(io.BytesIO(drawn), known, loose).load()
        became = {id(mine): yours for mine, yours in zip(own, theirs, strict=True)}
        result = _carried(self._work.result, lambda one: became[id(one)])
        return self._work._replace(result=result, states=states, made=made)

    def __reduce__(self) -> tuple[type[Drawn], tuple[bytes, tuple[object, ...]]]:
        """Packs what was drawn; raises whatever pickling raises."""
        if self._work is None:
            return Drawn, (self._packed or b"", self._definitions)
        stream = io.BytesIO()
        packer = _Packer(stream, self._known, None)
        packer.dump(self._work)
        return Drawn, (stream.getvalue(), tuple(packer.definitions.values()))


class _Packer(DefinitionsPickler):
    """Writes down artists of the copy as those of the figure that they are copies of.

    With a list, functions and the like are put into that, and need not be found by name.
    """

    def __init__(self, stream: io.BytesIO, known: list[Any], loose: list[Any] | None) -> None:
        super().__init__(stream, None)
        self._places = {id(one): at for at, one in enumerate(known)}
        self._loose = loose

    def persistent_id(self, obj: object) -> int | tuple[int] | None:
        if self._loose is not None and isinstance(obj, (FunctionType, ModuleType, type)):
            self._loose.append(obj)
            return (len(self._loose) - 1,)
        return self._places.get(id(obj))


class _Unpacker(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, known: list[Any], loose: list[Any]) -> None:
        super().__init__(stream)
        self._known, self._loose = known, loose

    def persistent_load(self, at: Any) -> Any:  # noqa: ANN401
        return self._loose[at[0]] if isinstance(at, tuple) else self._known[at]


def _packed(value: object, known: list[Any], loose: list[Any]) -> bytes:
    stream = io.BytesIO()
    _Packer(stream, known, loose).dump(value)
    return stream.getvalue()


class Paper:
    """A copy of a figure, which is current in its place for as long as this is entered."""

    def __init__(self, figure: Any) -> None:  # noqa: ANN401
        """Copies a figure, or nothing.

        Raises whatever copying raises, and TypeError if the copy is not like the figure.
        """
        self._figure, self._copy = figure, None
        if figure is not None:
            self._copy = _copied(figure)
        self._known = artists(self._copy)
        if [type(one) for one in self._known] != [type(one) for one in artists(figure)]:
            raise TypeError("its copy is not like it")
        self._before: list[tuple[Any, Any]] = []
        self._after: list[tuple[Any, Any]] = []

    def __enter__(self) -> None:
        """Puts the copy in the place of the figure."""
        figures = _figures()
        # It counts which figure is current, or that none is.
        pyplot.count_as_known()
        self._before = list(_RAW.items(figures))
        if self._copy is not None:
            number = next(num for num, one in self._before if one.canvas.figure is self._figure)
            manager = _manager(self._copy, number)
            pyplot.give_number(manager)
            _RAW.__setitem__(figures, number, manager)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Puts the figure back, and takes away those that were made."""
        figures = _figures()
        self._after = list(_RAW.items(figures))
        there = {num for num, _ in self._after}
        _RAW.clear(figures)
        for num, manager in self._before:
            if num in there or manager.canvas.figure is self._figure:
                _RAW.__setitem__(figures, num, manager)

    def drawn(self, result: object) -> Drawn:
        """Returns what was drawn."""
        old = {id(manager) for _, manager in self._before}
        ours = [num for num, one in self._after if one.canvas.figure is self._copy]
        made: list[Made] = []
        highest = max((num for num, _ in self._before), default=0)
        for num, manager in self._after:
            if id(manager) not in old and manager.canvas.figure is not self._copy:
                highest, asked = highest + 1, num if num != highest + 1 else None
                made.append(Made(_detached(manager), asked))
        states = [_state(one) for one in self._known]
        closed = self._copy is not None and not ours
        last = bool(self._after) and self._after[-1][0] in ours
        work = Work(result, None if closed else states, made, last)
        return Drawn.fresh(work, self._known)


def _carried(result: Any, become: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """Returns a result with the artists that it is, or holds, replaced."""
    from matplotlib.artist import Artist

    kind = cast("Any", type(result))
    if isinstance(result, Artist):
        return become(result)
    inner: Any = result
    if kind in _SEQUENCES:
        return kind(_carried(one, become) for one in inner)
    if kind is dict:
        return {name: _carried(one, become) for name, one in inner.items()}
    if kind.__module__ == "numpy" and getattr(getattr(result, "dtype", None), "kind", "") == "O":
        carried = result.copy()
        carried.flat = [_carried(one, become) for one in result.flat]
        return carried
    return result


def _figures() -> Any:  # noqa: ANN401  whether it is watched or not
    """Returns what pyplot keeps its figures in."""
    return _managing().figs


def _managing() -> Any:  # noqa: ANN401  a class of matplotlib's own
    return importlib.import_module("matplotlib._pylab_helpers").Gcf


def _plt() -> Any:  # noqa: ANN401  with more than its stubs say
    return importlib.import_module("matplotlib.pyplot")


def _copied(figure: Any) -> Any:  # noqa: ANN401
    """Returns a copy that pyplot knows nothing of."""
    managing = _managing()
    figures, managing.figs = managing.figs, OrderedDict()
    try:
        loose: list[Any] = []
        return _Unpacker(io.BytesIO(_packed(figure, [], loose)), [], loose).load()
    finally:
        managing.figs = figures


def _manager(figure: Any, number: Any) -> Any:  # noqa: ANN401
    """Returns a manager that shows a figure nowhere."""
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureManagerBase(FigureCanvasAgg(figure), number)


def _detached(manager: Any) -> Any:  # noqa: ANN401
    """Takes a figure from where it is shown."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = manager.canvas.figure
    if hasattr(manager, "_cidgcf"):
        manager.canvas.mpl_disconnect(manager._cidgcf)  # noqa: SLF001
    manager.destroy()
    FigureCanvasAgg(figure)
    return figure


def _open(made: Made) -> None:
    """Has pyplot show a figure."""
    plt = _plt()
    there = plt.get_fignums()
    number = max(there) + 1 if there else 1
    if made.number is not None and made.number not in there:
        number = made.number
    manager = plt._get_backend_mod().new_figure_manager_given_figure(number, made.figure)  # noqa: SLF001
    _managing()._set_new_active_manager(manager)  # noqa: SLF001
    plt.draw_if_interactive()


def artists(figure: Any) -> list[Any]:  # noqa: ANN401
    """Returns a figure and all that is in it, in one order; nothing of no figure."""
    if figure is None:
        return []
    from matplotlib.axis import Axis

    found: dict[int, Any] = {}
    pending = [figure]
    while pending:
        artist = pending.pop()
        if id(artist) not in found:
            found[id(artist)] = artist
            # The ticks of an axis are made as they are needed.
            pending.extend([] if isinstance(artist, Axis) else reversed(artist.get_children()))
    return list(found.values())


def _state(artist: Any) -> dict[str, Any]:  # noqa: ANN401
    state: dict[str, Any] = artist.__getstate__()
    for name in (*_OWN, "__mpl_version__", "_restore_to_pylab"):
        state.pop(name, None)
    return state


def _become(artist: Any, state: dict[str, Any]) -> None:  # noqa: ANN401
    from matplotlib.figure import Figure

    known = cast("dict[str, Any]", vars(artist))
    own = {name: value for name, value in known.items() if name in _OWN}
    if isinstance(artist, Figure) or not hasattr(artist, "__setstate__"):
        known.clear()
        known.update(state)
    else:
        artist.__setstate__(state)
    vars(artist).update(own)
    if isinstance(artist, Figure):
        artist.dpi_scale_trans.clear().scale(artist.dpi)
    artist.stale = True
