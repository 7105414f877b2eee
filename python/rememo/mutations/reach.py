"""What a call can reach and change in its place: its arguments, and the globals of its code."""

from __future__ import annotations

import gc
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from rememo.mutations.kinds import Empty, Kind, Unemulated, is_atom, kind_of
from rememo.mutations.memory import bounds, has_memory, is_array, overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Inside of what is not understood, so much is looked at for what others hold, too.
MOST_INSIDE = 10_000

_DEFINITIONS: tuple[type, ...] = (type, FunctionType, BuiltinFunctionType)


def looked(
    function: FunctionType,
    arguments: Iterable[tuple[str, object]],
    places: Iterable[tuple[str, str, int, str, object]],
    all_counts: bool,
) -> Reach:
    """Looks at all that a call can reach: see `Reach`."""
    return Reach(function, arguments, places, all_counts=all_counts)


class Place(NamedTuple):
    """Where code found a value, and what it was."""

    kind: str
    name: str
    namespace: int
    """The address of the namespace of a global, or whatever else holds it."""
    variable: str
    value: object


class Known(NamedTuple):
    """Something that a call can reach."""

    thing: Any
    kind: Kind


class Reach:
    """All that a call can reach, in one order for all calls that are alike.

    Attributes:
        known: what there is, by its place in that order.
        pattern: what tells apart calls of equal arguments in which other things are the same one.
        why_not: why changes cannot be done again, if they cannot.
        bindings: the namespaces and names of globals, by the name that people know.
    """

    def __init__(
        self,
        function: FunctionType,
        arguments: Iterable[tuple[str, object]],
        places: Iterable[tuple[str, str, int, str, object]],
        *,
        all_counts: bool,
    ) -> None:
        """Looks at arguments by name, and at what code found where.

        Says `why_not` if not `all_counts` of them.
        """
        self.known: list[Known] = []
        self.bindings: dict[str, tuple[dict[str, object], str]] = {}
        self._bound: dict[str, object] = {}
        self.why_not = "" if all_counts else "freeze= says that not all of it counts"
        self._numbers: dict[int, int] = {}
        self._pattern: list[str] = []
        # Code that arguments refer to may use the same globals.
        several = {one[:4]: one for one in map(Place._make, places)}
        found = sorted(several.values(), key=lambda one: one[:2])
        self._bind(function, found)
        roots = [*arguments, *((place.name, place.value) for place in found)]
        self._walk(value for _, value in roots)
        if not self.why_not:
            self.why_not = self._shared_unseen() or ""
        self.pattern = f"unmapped: {self.why_not}" if self.why_not else " ".join(self._pattern)

    def _bind(self, function: FunctionType, places: Sequence[Place]) -> None:
        modules = [one for one in sys.modules.values() if type(one) is ModuleType]
        # A module is known by its own address where it is read as an attribute.
        spaces = {id(one): vars(one) for one in modules}
        spaces |= {id(vars(one)): vars(one) for one in modules}
        spaces[id(function.__globals__)] = function.__globals__
        names = [place.name for place in places if place.kind == "global"]
        for place in places:
            space = spaces.get(place.namespace)
            if place.kind == "global" and space is not None and names.count(place.name) == 1:
                held = space.get(place.variable, Empty)
                if held is place.value:
                    self.bindings[place.name] = space, place.variable
                    self._bound[place.name] = held

    def number(self, thing: object) -> int | None:
        """Returns the number of something that is known."""
        found = self._numbers.get(id(thing))
        return found if found is not None and self.known[found].thing is thing else None

    def thing(self, number: int) -> object:
        """Returns what has a number."""
        return self.known[number].thing

    def _walk(self, roots: Iterable[object]) -> None:
        pending = list(roots)[::-1]
        while pending:
            thing = pending.pop()
            if is_atom(thing):
                continue
            if isinstance(thing, _DEFINITIONS):
                self._look_at_code(thing)
                continue
            number = self._numbers.get(id(thing))
            if number is not None:
                self._pattern.append(str(number))
                continue
            kind = kind_of(thing)
            self._numbers[id(thing)] = len(self.known)
            self.known.append(Known(thing, kind))
            self._pattern.append(f"{kind.word}:{kind.form(thing)}")
            self._refuse(kind.refusal(thing))
            pending.extend(list(kind.children(thing))[::-1])

    def _look_at_code(self, thing: Any) -> None:  # noqa: ANN401
        # What it refers to is among the places, but for what was set on it.
        if isinstance(thing, FunctionType) and thing.__dict__.keys() - {"__wrapped__"}:
            self._refuse(f"{thing.__qualname__} has attributes")
        if isinstance(thing, BuiltinFunctionType):
            owner = thing.__self__
            if owner is not None and not isinstance(owner, (ModuleType, type)):
                self._refuse(f"{thing.__qualname__} belongs to an object")

    def _refuse(self, why: str | None) -> None:
        self.why_not = self.why_not or why or ""

    def _shared_unseen(self) -> str | None:
        arrays: list[tuple[object, bool]] = []
        for thing, kind in self.known:
            if kind.word in {"array", "buffer"}:
                arrays.append((thing, True))
            elif kind.word == "opaque":
                for inner in _inside(thing):
                    number = self.number(inner)
                    kind_inside = "opaque" if number is None else self.known[number].kind.word
                    if kind_inside not in {"opaque", "apart"}:
                        return f"a {type(thing).__qualname__} shares what it holds"
                    if has_memory(inner) and (number is None or inner is thing):
                        arrays.append((inner, False))
                    if inner is Empty:
                        return f"what a {type(thing).__qualname__} holds is too much"
        return "arrays share their memory" if overlap(arrays) else None

    def bound(self) -> Iterator[tuple[str, tuple[dict[str, object], str, object]]]:
        """Yields globals by name: the namespace, the name in it, and what it held."""
        for name, (space, variable) in self.bindings.items():
            yield name, (space, variable, self._bound[name])

    def holder_of(self, array: object) -> tuple[object, int] | None:
        """Returns the array whose memory an array is part of, and from where on, if there is one.

        Raises:
            Unemulated: if it is only partly so.
        """
        low, high = bounds(array)
        for thing in self._memory():
            first, last = bounds(thing)
            if first <= low and high <= last and high > low:
                return thing, low - first
            if low < last and first < high:
                raise Unemulated("a view of more than an array is kept")
        return None

    def _memory(self) -> Iterator[object]:
        for thing, kind in self.known:
            if kind.word in {"array", "buffer"}:
                yield thing

    def marks(self) -> list[object]:
        """Returns what shows later what was changed.

        Raises:
            Unemulated: if that cannot be told.
        """
        try:
            return [kind.mark(thing) for thing, kind in self.known]
        except Exception as error:
            raise Unemulated(str(error)) from error

    def forms(self) -> list[object]:
        """Returns what must not change."""
        return [(type(thing), kind.form(thing)) for thing, kind in self.known]


def _inside(thing: object) -> Iterator[object]:
    """Yields what an object holds, at any depth; `Empty` at the end if that is too much."""
    seen: dict[int, object] = {id(thing): thing}
    pending: list[object] = [thing]
    while pending:
        one = pending.pop()
        yield one
        for inner in _held_by(one):
            if id(inner) not in seen and not is_atom(inner):
                seen[id(inner)] = inner
                pending.append(inner)
        if len(seen) > MOST_INSIDE:
            yield Empty
            return


def _held_by(thing: Any) -> Iterable[object]:  # noqa: ANN401
    if isinstance(thing, (type, ModuleType)):
        return ()
    if isinstance(thing, FunctionType):
        return (thing.__closure__, thing.__defaults__, thing.__dict__)
    if is_array(thing):
        held: list[object] = [thing.base]
        return held + (list(thing.flat) if thing.dtype.hasobject else [])
    return gc.get_referents(thing)
