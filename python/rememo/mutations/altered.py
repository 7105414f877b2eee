"""A result, and what the call that returned it left changed, as they are kept and done again."""

from __future__ import annotations

import io
import pickle
import sys
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any

from rememo.mutations.kinds import Unemulated, Values
from rememo.mutations.memory import bounds, is_array
from rememo.pickling import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Collection

    from rememo.mutations.reach import Reach

_DEFINITIONS: tuple[type, ...] = (type, FunctionType, BuiltinFunctionType)


class Altered:
    """A result that belongs together with what the call was given, or left changed.

    Attributes:
        result: the result; of one that is read, only once it is opened.
    """

    def __init__(
        self, packed: bytes, definitions: tuple[object, ...], result: object = None
    ) -> None:
        """Takes what `pack` made."""
        self.packed, self.definitions, self.result = packed, definitions, result

    def __reduce__(self) -> tuple[type[Altered], tuple[bytes, tuple[object, ...]]]:
        """Is pickled as it was packed."""
        return Altered, (self.packed, self.definitions)

    def told(self) -> object:
        """Returns all of it, with names in the place of what the call could reach."""
        return _Unpacker(self.packed, None, self.definitions).load()

    def do_again(self, reach: Reach) -> Undo:
        """Makes changed what a call can reach, and sets the result.

        Raises:
            Unemulated: if that cannot be done; then nothing is changed.
        """
        try:
            work = _Unpacker(self.packed, reach, self.definitions).load()
        except Exception as error:
            raise Unemulated(f"it cannot be read: {error}") from error
        self.result, contents, bindings = work
        undo = Undo()
        try:
            for number, content in contents:
                undo.restore(reach, number, content)
            for name, value in bindings:
                undo.bind(reach, name, value)
        except Exception as error:
            undo()
            raise Unemulated(f"it cannot be made so again: {error}") from error
        return undo


class Undo:
    """What it takes to put back what was changed."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self._before: list[tuple[Any, ...]] = []

    def restore(self, reach: Reach, number: int, content: object) -> None:
        """Changes something that is known."""
        thing, kind = reach.known[number]
        self._before.append((kind.restore, thing, kind.content(thing)))
        kind.restore(thing, content)

    def bind(self, reach: Reach, name: str, value: object) -> None:
        """Assigns a global."""
        namespace, variable = reach.bindings[name]
        self._before.append((namespace.__setitem__, variable, namespace[variable]))
        namespace[variable] = value

    def __call__(self) -> None:
        """Puts all of it back."""
        while self._before:
            put, *what = self._before.pop()
            put(*what)


class Before:
    """How things were before a call, to tell afterwards what it changed."""

    def __init__(self, reach: Reach) -> None:
        """Looks at all that the call can reach."""
        self._reach, self.why_not = reach, reach.why_not
        if self.why_not:
            return
        try:
            self._marks = reach.marks()
        except Unemulated as error:
            self.why_not = str(error)
        self._forms = reach.forms()

    def altered(self, result: object, asked: Collection[str]) -> Altered | None:
        """Returns what a hit has to do again besides handing back the result, if anything.

        Raises:
            Unemulated: if a hit could not do it.
        """
        if self.why_not:
            raise Unemulated(self.why_not)
        reach = self._reach
        contents: list[tuple[int, object]] = []
        after, forms = reach.marks(), reach.forms()
        for number, (thing, kind) in enumerate(reach.known):
            if forms[number] != self._forms[number]:
                raise Unemulated(f"the form of a {type(thing).__qualname__} is changed")
            if not kind.same(self._marks[number], after[number]):
                contents.append((number, kind.content(thing)))
        bindings = self._bindings() if "globals" in asked else []
        packer = _Packer(reach)
        try:
            packed = packer.pack((result, contents, bindings))
        except Unemulated:
            raise
        except Exception as error:
            raise Unemulated(f"it cannot be pickled: {error}") from error
        if not (contents or bindings or packer.refers):
            return None
        return Altered(packed, tuple(packer.definitions), result)

    def _bindings(self) -> list[tuple[str, object]]:
        bound: list[tuple[str, object]] = []
        for name, (namespace, variable, before) in self._reach.bound():
            if variable not in namespace:
                raise Unemulated(f"{name} is deleted")
            if namespace[variable] is not before:
                bound.append((name, namespace[variable]))
        return bound


class _Packer(pickle.Pickler):
    """Writes down what is known by its number, and definitions and tables beside."""

    def __init__(self, reach: Reach) -> None:
        self._stream = io.BytesIO()
        super().__init__(self._stream, protocol=PROTOCOL)
        self.reach = reach
        self.numbers: dict[int, int] = {}
        self.definitions: list[object] = []
        self.refers = False
        # Each with what keeps its address its own.
        self._tables: dict[int, tuple[object, int, bytes]] = {}

    def pack(self, work: object) -> bytes:
        self.dump(work)
        return self._stream.getvalue()

    def persistent_id(self, obj: object) -> tuple[object, ...] | None:
        number = self.reach.number(obj)
        if number is not None:
            self.refers = True
            return "known", number
        if isinstance(obj, _DEFINITIONS):
            return self.defined(obj)
        if isinstance(obj, (Values, *_tables())):
            kept = self._tables.get(id(obj))
            if kept is None:
                kept = obj, len(self._tables), _packed_apart(self, obj)
                self._tables[id(obj)] = kept
            return "table", *kept[1:]
        return None

    def defined(self, thing: object) -> tuple[object, ...] | None:
        if getattr(thing, "__module__", None) == "builtins":
            return None
        number = self.numbers.setdefault(id(thing), len(self.definitions))
        if number == len(self.definitions):
            self.definitions.append(thing)
        return "definition", number

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401  any object, any reduction
        if not is_array(obj):
            return NotImplemented
        held = self.reach.holder_of(obj)
        return NotImplemented if held is None else _reduced_view(obj, *held)


class _TablePacker(_Packer):
    """Writes down a table, all of which is its own, but for what a known one has had before.

    What tables share is copied as soon as one of them is changed.
    """

    def __init__(self, around: _Packer, own: list[Any]) -> None:
        super().__init__(around.reach)
        self.numbers, self.definitions = around.numbers, around.definitions
        self._own = own

    def persistent_id(self, obj: object) -> tuple[object, ...] | None:
        if isinstance(obj, _DEFINITIONS):
            return self.defined(obj)
        number = self.reach.number(obj)
        if number is None or (is_array(obj) and not self._takes(obj)):
            return None
        return "known", number

    def _takes(self, array: object) -> bool:
        kept = [one for one in self._own if one is not array]
        is_own = len(kept) < len(self._own)
        self._own = kept
        return is_own

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401  any object, any reduction
        if not is_array(obj) or self.reach.number(obj) is not None:
            return NotImplemented
        held = self.reach.holder_of(obj)
        if held is None or not self._takes(held[0]):
            return NotImplemented
        return _reduced_view(obj, *held)


def _packed_apart(around: _Packer, thing: Any) -> bytes:  # noqa: ANN401
    own: list[Any] = []
    if isinstance(thing, Values):
        thing = thing.manager
        own = [block.values for block in thing.blocks]
        own += [block.values.base for block in thing.blocks if is_array(block.values)]
        own = [one for one in own if is_array(one) and around.reach.number(one) is not None]
        around.refers = True
    packer = _TablePacker(around, own)
    return packer.pack(thing)


def _tables() -> tuple[type, ...]:
    """Returns the classes of pandas whose instances own what they hold."""
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "Index"):
        return ()
    return pandas.DataFrame, pandas.Series, pandas.Index


def _reduced_view(view: Any, array: Any, first: int) -> Any:  # noqa: ANN401
    """Returns how a view of an array is pickled, whose memory begins so many bytes into that.

    Raises:
        Unemulated: if it cannot be made so again.
    """
    numpy: Any = sys.modules["numpy"]
    if type(view) is not numpy.ndarray or type(array) is not numpy.ndarray:
        raise Unemulated(f"a {type(view).__qualname__} that is a view is kept")
    start = view.__array_interface__["data"][0] - _start(view)
    form = view.shape, view.strides, view.dtype, view.flags.writeable
    return _view, (array, first + start, *form)


def _start(array: Any) -> int:  # noqa: ANN401
    """Returns where the memory of an array begins, of which the first item may be the last."""
    return bounds(array)[0]


class _Memory:
    """Part of the memory of an array, as numpy is told of it."""

    def __init__(self, array: Any, interface: dict[str, Any]) -> None:  # noqa: ANN401
        self.array = array
        self.__array_interface__ = interface


def _view(  # noqa: PLR0913, PLR0917  as numpy has it
    array: Any,  # noqa: ANN401
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    dtype: Any,  # noqa: ANN401
    writeable: bool,
) -> Any:  # noqa: ANN401
    """Returns a view of an array: from so many bytes after where its memory begins."""
    import numpy as np

    plain = np.dtype((np.void, dtype.itemsize))
    interface = {
        "data": (_start(array) + offset, not array.flags.writeable),
        "shape": shape,
        "strides": strides,
        "typestr": plain.str,
        "version": 3,
    }
    view = np.asarray(_Memory(array, interface)).view(dtype)
    view.flags.writeable = writeable and array.flags.writeable
    return view


class _Unpacker(pickle.Unpickler):
    def __init__(self, packed: bytes, reach: Reach | None, definitions: tuple[object, ...]) -> None:
        super().__init__(io.BytesIO(packed))
        self._reach, self._definitions = reach, definitions
        self._tables: dict[int, object] = {}

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        sort, number, *packed = pid
        if sort == "definition":
            return self._definitions[number]
        if sort == "table":
            if number not in self._tables:
                apart = _Unpacker(packed[0], self._reach, self._definitions)
                self._tables[number] = apart.load()
            return self._tables[number]
        return pid if self._reach is None else self._reach.thing(number)
