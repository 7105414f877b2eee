"""What can be changed in its place, by kind: what it consists of, and how it is made so again."""

from __future__ import annotations

import array
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import pickle
import sys
import uuid
from abc import ABCMeta
from collections import Counter, OrderedDict, defaultdict, deque
from types import FunctionType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# The first version of pandas in which no table sees what is changed in another.
COPIES_ON_WRITE = 3

_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented), range}
)
_VALUES: tuple[type, ...] = (
    enum.Enum,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.PurePath,
    uuid.UUID,
)


class Unemulated(Exception):  # noqa: N818  says what the change is
    """A change that a hit could not do again, and why."""


class Empty:
    """Stands for a slot that holds nothing."""


def is_atom(thing: object) -> bool:
    """Whether there is nothing to it but a value."""
    return type(thing) in _ATOMS or isinstance(thing, _VALUES) or _is_scalar(thing)


def _is_scalar(thing: object) -> bool:
    numpy: Any = sys.modules.get("numpy")
    generic: Any = getattr(numpy, "generic", ())
    return isinstance(thing, (generic, getattr(numpy, "dtype", ()))) and not isinstance(
        thing, getattr(numpy, "void", ())
    )


def _is_immutable(thing: object) -> bool:
    if is_atom(thing) or isinstance(thing, type):
        return True
    if type(thing) in {tuple, frozenset}:
        return all(map(_is_immutable, cast("Iterable[object]", thing)))
    return False


def _by_identity(thing: object) -> bool:
    return type(thing).__hash__ is object.__hash__ or isinstance(thing, (type, FunctionType))


class Kind:
    """How things of one kind are looked at, and changed in their place.

    Things of this kind are never changed.
    """

    word = "value"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401
        """Returns what it consists of, in an order that follows from what counts of it."""
        return list(thing)

    def form(self, thing: Any) -> object:  # noqa: ANN401, ARG002
        """Returns what of it a run must leave as it is."""
        return None

    def refusal(self, thing: Any) -> str | None:  # noqa: ANN401, ARG002
        """Returns why what belongs to it cannot be told by its place, if it cannot."""
        return None

    def mark(self, _thing: Any) -> object:  # noqa: ANN401
        """Returns what shows whether it was changed, and keeps alive all that it compares."""
        return ()

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        """Whether two marks are of the same content."""
        return len(before) == len(after) and all(map(_is, before, after))

    def content(self, thing: Any) -> object:  # noqa: ANN401
        """Returns what it takes to make it so again."""
        raise Unemulated(f"a {type(thing).__qualname__} cannot be changed in its place")

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        """Makes it so again."""


def _is(one: object, other: object) -> bool:
    return one is other


class _Sequence(Kind):
    """Lists and queues."""

    word = "list"

    def form(self, thing: Any) -> object:  # noqa: ANN401
        return getattr(thing, "maxlen", None)

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return tuple(thing)

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return list(thing)

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        if isinstance(thing, list):
            # Whoever is going through it goes on.
            thing[:] = content
        else:
            thing.clear()
            thing.extend(content)


class _Mapping(Kind):
    """Dictionaries, with their order."""

    word = "dict"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401
        return [part for item in thing.items() for part in item]

    def form(self, thing: Any) -> object:  # noqa: ANN401
        factory: Any = getattr(thing, "default_factory", None)
        return None if factory is None else getattr(factory, "__qualname__", factory.__class__)

    def refusal(self, thing: Any) -> str | None:  # noqa: ANN401
        if all(_is_immutable(key) or _by_identity(key) for key in thing):
            return None
        return "a dictionary has keys that can be changed"

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return getattr(thing, "default_factory", None), *self.children(thing)

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return list(thing.items())

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        if len(thing) > len(content) or not all(map(_is, thing, [key for key, _ in content])):
            thing.clear()
        # What stays in its place is left there, for whoever is going through it.
        for key, value in content:
            thing[key] = value


class _Unordered(Kind):
    """Sets of what cannot be changed."""

    word = "set"

    def refusal(self, thing: Any) -> str | None:  # noqa: ANN401
        if all(map(_is_immutable, thing)):
            return None
        return "a set holds what can be changed, and has no order"

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return frozenset(map(_Same, thing))

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        return before == after

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return list(thing)

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        kept = set(map(_Same, content))
        for member in [*thing]:
            if _Same(member) not in kept:
                thing.remove(member)
        thing.update(content)


class _Same:
    # By identity: values that are equal may be of different types.
    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value


class _Bytes(Kind):
    """Bytes, and numbers as bytes."""

    word = "buffer"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401, ARG002
        return ()

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return bytes(thing)

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        return before == after

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return bytes(thing)

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        if isinstance(thing, bytearray):
            thing[:] = content
        else:
            del thing[:]
            thing.frombytes(content)


class _NumericArray(_Bytes):
    """Arrays of numpy that hold no objects."""

    word = "array"

    def form(self, thing: Any) -> object:  # noqa: ANN401
        return thing.dtype.str, thing.shape, thing.strides, thing.flags.writeable

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return _core.freeze(thing)

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return thing.copy()

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        thing[...] = content


class _Instance(Kind):
    """Instances of classes written in Python that pickle as such: a namespace, and slots."""

    word = "instance"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401
        return self.mark(thing)

    def mark(self, thing: Any) -> Any:  # noqa: ANN401
        slots = (_slot(thing, descriptor) for descriptor in slots_of(thing.__class__))
        return getattr(thing, "__dict__", Empty), *slots

    def content(self, thing: Any) -> object:  # noqa: ANN401
        own_hash = type(thing).__hash__
        if own_hash is not None and own_hash is not object.__hash__:
            raise Unemulated(
                f"a {type(thing).__qualname__} is changed that may be a key of dictionaries"
            )
        return list(self.mark(thing))

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        namespace, *slots = content
        if namespace is not Empty and thing.__dict__ is not namespace:
            thing.__dict__ = namespace
        for descriptor, value in zip(slots_of(thing.__class__), slots, strict=True):
            if value is not Empty:
                descriptor.__set__(thing, value)
            elif _slot(thing, descriptor) is not Empty:
                descriptor.__delete__(thing)


def _slot(thing: object, descriptor: MemberDescriptorType) -> object:
    try:
        return descriptor.__get__(thing)
    except AttributeError:
        return Empty


def slots_of(kind: type) -> list[Any]:
    """Returns what reads the slots of instances, those of each base as well."""
    found: list[Any] = []
    for base in kind.__mro__:
        named = [value for value in vars(base).values() if type(value) is MemberDescriptorType]
        found += sorted(named, key=lambda one: one.__name__)
    return found


def is_plain_instance(thing: object) -> bool:
    """Whether there is no more to it than its class, its namespace and its slots."""
    kind = type(thing)
    heap = 1 << 9
    if any(base is not object and not base.__flags__ & heap for base in kind.__mro__):
        return False
    own = {name for base in kind.__mro__[:-1] for name in vars(base)}
    if own & _SAYS_ITSELF or type(kind) not in _USUAL_CLASSES:
        return False
    import copyreg

    return kind not in copyreg.dispatch_table


_SAYS_ITSELF = {
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__setstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__getfrozenstate__",
    "__cache_key__",
    "__getattribute__",
    "__class__",
}
_USUAL_CLASSES = {type, ABCMeta}


class _Generator(Kind):
    """Generators of random numbers."""

    word = "generator"

    def __init__(self, get: Callable[[Any], object], put: Callable[[Any, Any], object]) -> None:
        """Takes what gets a generator's state, and puts it."""
        self._get, self._put = get, put

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401, ARG002
        return ()

    def form(self, thing: Any) -> object:  # noqa: ANN401
        seeds = getattr(thing, "seed_seq", None)
        return getattr(seeds, "n_children_spawned", None)

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return pickle.dumps(self._get(thing))

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        return before == after

    def content(self, thing: Any) -> object:  # noqa: ANN401
        return self._get(thing)

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        self._put(thing, content)


class _Drawing(Kind):
    """Generators that draw from another object, which has the state."""

    word = "generator"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401
        return (thing.bit_generator,)


class Values(NamedTuple):
    """The values of a table, which it shares with nobody."""

    manager: Any


class _Table(Kind):
    """DataFrames and Series: blocks of values, and what names their places."""

    word = "table"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401
        manager = thing._mgr  # noqa: SLF001
        return [*manager.axes, *(block.values for block in manager.blocks)]

    def refusal(self, thing: Any) -> str | None:  # noqa: ANN401
        # They have its values, too, until one of them is changed.
        if any(block.refs.has_reference() for block in thing._mgr.blocks):  # noqa: SLF001
            return "other tables share the values of a table"
        return None

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        manager = thing._mgr  # noqa: SLF001
        places = [tuple(block.mgr_locs.as_array.tolist()) for block in manager.blocks]
        return self.children(thing), places, getattr(thing, "_name", None), dict(thing.attrs)

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        return super().same(before[0], after[0]) and before[1:] == after[1:]

    def content(self, thing: Any) -> object:  # noqa: ANN401
        values = Values(thing._mgr)  # noqa: SLF001
        return values, getattr(thing, "_name", None), dict(thing.attrs)

    def restore(self, thing: Any, content: Any) -> None:  # noqa: ANN401
        values, name, attrs = content
        manager = values.manager if isinstance(values, Values) else values
        object.__setattr__(thing, "_mgr", manager)
        if hasattr(thing, "_name"):
            object.__setattr__(thing, "_name", name)
        thing.attrs = attrs


class _Opaque(Kind):
    """Anything else: it must be as it was."""

    word = "opaque"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401, ARG002
        return ()

    def mark(self, thing: Any) -> object:  # noqa: ANN401
        return _core.freeze(thing)

    def same(self, before: Any, after: Any) -> bool:  # noqa: ANN401
        return before == after


FIXED, OPAQUE, INSTANCE, ARRAY, TABLE = Kind(), _Opaque(), _Instance(), _NumericArray(), _Table()
_BY_TYPE: dict[type, Kind] = {
    list: _Sequence(),
    deque: _Sequence(),
    dict: _Mapping(),
    OrderedDict: _Mapping(),
    defaultdict: _Mapping(),
    Counter: _Mapping(),
    set: _Unordered(),
    bytearray: _Bytes(),
    array.array: _Bytes(),
    tuple: FIXED,
    frozenset: _Unordered(),
}


def kind_of(thing: object) -> Kind:
    """Returns what kind something is of."""
    if isinstance(thing, _core.Memoized):
        return _Unwatched()
    known = _BY_TYPE.get(type(thing))
    if known is not None:
        return known
    if _is_named_tuple(thing):
        return FIXED
    for of_library in (_of_random, _of_numpy, _of_pandas):
        found = of_library(thing)
        if found is not None:
            return found
    return INSTANCE if is_plain_instance(thing) else OPAQUE


def _is_named_tuple(thing: Any) -> bool:  # noqa: ANN401
    kind: Any = thing.__class__
    return tuple in kind.__mro__ and hasattr(kind, "_fields") and not hasattr(thing, "__dict__")


def _of_random(thing: Any) -> Kind | None:  # noqa: ANN401
    home: Any = sys.modules.get("random")
    if home is None or type(thing) is not home.Random:
        return None
    if thing is home._inst:  # noqa: SLF001
        # What is drawn from it is noted by who watches the run.
        return _Unwatched()
    return _Generator(lambda one: one.getstate(), lambda one, state: one.setstate(state))


class _Unwatched(Kind):
    """What counts by itself, and not by what it consists of."""

    word = "apart"

    def children(self, thing: Any) -> Iterable[object]:  # noqa: ANN401, ARG002
        return ()


def _of_numpy(thing: Any) -> Kind | None:  # noqa: ANN401
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return None
    if type(thing) is numpy.ndarray:
        return OPAQUE if thing.dtype.hasobject or thing.dtype.kind == "T" else ARRAY
    return _of_numpy_random(thing)


def _of_numpy_random(thing: Any) -> Kind | None:  # noqa: ANN401
    home: Any = sys.modules.get("numpy.random")
    if home is None or not hasattr(home, "Generator"):
        return None
    if type(thing) is home.Generator:
        return _Drawing()
    if isinstance(thing, home.BitGenerator):
        return _Generator(lambda one: one.state, lambda one, state: setattr(one, "state", state))
    if type(thing) is home.RandomState:
        if thing is home.mtrand._rand:  # noqa: SLF001
            return _Unwatched()
        return _Generator(lambda one: one.get_state(legacy=False), _put_state)
    return None


def _put_state(generator: Any, state: Any) -> None:  # noqa: ANN401
    generator.set_state(state)


def _of_pandas(thing: Any) -> Kind | None:  # noqa: ANN401
    pandas: Any = sys.modules.get("pandas")
    known = (getattr(pandas, "DataFrame", None), getattr(pandas, "Series", None))
    if pandas is None or type(thing) not in known:
        return None
    # Before that, tables could share what they hold even when it was changed.
    return TABLE if int(pandas.__version__.partition(".")[0]) >= COPIES_ON_WRITE else OPAQUE
