"""Everything that is no exact built-in: arrays, enumerations, instances."""

from __future__ import annotations

import contextlib
import copyreg
import enum
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from . import libraries, reductions, wrappers
from .encoder import Content, Tag, sized, u64
from .reads import Reads
from .wrappers import type_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from .listing import Listing

# What every member of an enumeration has.
_OF_MEMBERS = {"__objclass__", "_name_", "_sort_order_", "_value_", "__module__"}
_BUILT_INS = {dict, list, tuple, str, int, float, complex, bytes, bytearray}
_ARRAYS = {"ndarray", "memmap", "longdouble", "clongdouble", "float128", "complex256"}
_EXTENDED_MANTISSA = 63
_WORD = 8


def expand(value: Any, listing: Listing, content: Content) -> list[object]:
    """Writes the header of an instance; gives its children, in order."""
    kind = type(value)
    if hasattr(kind, "__getfrozenstate__"):
        return _own_state(value, ["__getfrozenstate__"], content)
    if hasattr(kind, "__cache_key__"):
        return _own_state(value, ["__cache_key__", "__cache_ver__"], content)
    if type_name(kind) in wrappers.WRAPPED:
        content.write(Tag.FIELDS, *type_name(kind))
        return wrappers.wrapped(value, type_name(kind), listing)
    if kind.__module__ == "numpy" and kind.__name__ in _ARRAYS:
        return _array(value, content)
    if type_name(kind) in {("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")}:
        content.write(Tag.FIELDS, "numpy", "MaskedArray")
        return [value._data, value._mask, value.fill_value, value.hardmask]
    if type_name(kind) in {("pickle", "PickleBuffer"), ("_pickle", "PickleBuffer")}:
        content.write(Tag.BUFFER, sized(value.raw().tobytes()))
        return []
    if issubclass(kind, enum.Enum):
        return _member(value, listing, content)
    if issubclass(kind, set | frozenset):
        content.write(Tag.SET_SUBCLASS)
        return [kind, frozenset(value), *_state(value, listing, content)]
    return _ordinary(value, listing, content)


def _ordinary(value: Any, listing: Listing, content: Content) -> list[object]:
    kind = type(value)
    library = libraries.is_library_class(kind)
    home = _home(kind)
    wrapped = None if library else _wrapper_below(kind, home)
    has_its_own_say = _pickles_its_own_way(home) and home.__dictoffset__ == 0
    hidden = wrapped == ("functools", "cached_property")
    plain = is_whole(kind) and not hidden and not _pickles_its_own_way(kind)
    if plain and (library or not has_its_own_say):
        content.write(Tag.INSTANCE)
        return [kind, *_state(value, listing, content)]
    if hasattr(kind, "__next__"):
        raise TypeError("an iterator is used up by looking at it")
    if library:
        return reductions.reduced(value, listing, content)
    if wrapped:
        content.write(Tag.WRAPPER_SUBCLASS)
        state = _state(value, listing, content, own=True, hidden={"lock"} if hidden else set())
        return [kind, *wrappers.wrapped(value, wrapped, listing), *state]
    if home in _BUILT_INS:
        content.write(Tag.BUILTIN_SUBCLASS)
        state = _state(value, listing, content, own=True)
        return [kind, _as_built_in(value, home), *state]
    told = reductions.of_subclass(value, home, listing, content)
    return told and [*told, *_state(value, listing, content, own=True)]


def _home(kind: type) -> type:
    """The first class of a library that a class derives from."""
    return next((base for base in kind.__mro__[1:] if libraries.is_library_class(base)), object)


def _wrapper_below(kind: type, home: type) -> tuple[str, str] | None:
    bases = kind.__mro__[1:]
    upto = bases[: bases.index(home) + 1] if home in bases else bases
    return next((name for base in upto if (name := type_name(base)) in wrappers.WRAPPED), None)


def _as_built_in(value: Any, base: type) -> object:
    if base is dict:
        return dict(zip(dict.keys(value), dict.values(value), strict=True))
    if base in {list, tuple}:
        return base(base.__iter__(value))
    if base is str:
        return str.__str__(value)
    if base is int:
        return int.__index__(value)
    if base is float:
        return float.__pos__(value)
    if base is complex:
        return complex(float(complex.real.__get__(value)), float(complex.imag.__get__(value)))
    return base.__getitem__(value, slice(None))


def _own_state(value: Any, methods: list[str], content: Content) -> list[object]:
    content.write(Tag.OWN_STATE)
    there = [method for method in methods if hasattr(value, method)]
    return [type(value), *(getattr(value, method)() for method in there)]


def _array(array: Any, content: Content) -> list[object]:
    content.write(Tag.ARRAY, type(array).__name__, u64(array.ndim), *map(u64, array.shape))
    if array.dtype.names is not None:
        return [array.dtype, *(array[name] for name in array.dtype.names)]
    if array.dtype.hasobject:
        return [array.dtype, _objects(array.ravel().tolist(), content)]
    content.write(array.dtype.str, Tag.BUFFER, sized(_without_padding(array)))
    return [] if array.dtype.metadata is None else [array.dtype.metadata]


def _objects(elements: list[object], content: Content) -> list[object]:
    """Writes what is plain in a row; gives all else."""
    from .walk import encode_scalar

    row, others = Content(), []
    for element in elements:
        if _is_plain(element):
            encode_scalar(element, row)
        else:
            row.write(Tag.OTHER)
            others.append(element)
    content.write(Tag.OBJECTS, sized(bytes(row.data)))
    return others


def _is_plain(element: object) -> bool:
    if type(element) is int:
        return -(2**63) <= element < 2**63
    return element is None or type(element) in {bool, float, str}


def _without_padding(array: Any) -> bytes:
    """Of an extended number of the x87, ten bytes are all."""
    data = array.tobytes()
    if array.dtype.char not in "gG" or np.finfo(array.dtype).nmant != _EXTENDED_MANTISSA:
        return data
    width = array.itemsize // (2 if array.dtype.char == "G" else 1)
    return b"".join(data[at : at + 10] for at in range(0, len(data), width))


def _member(value: Any, listing: Listing, content: Content) -> list[object]:
    more = [(name, held) for name, held in attributes(value, listing) if name not in _OF_MEMBERS]
    content.write(Tag.ENUM, u64(len(more)), *(name for name, _ in more))
    return [type(value), value._name_, value._value_, *(held for _, held in more)]


def attributes(value: Any, listing: Listing) -> list[tuple[str, object]]:
    """What the dictionary of an instance holds, by name or, where something reads it, in order."""
    return in_order(getattr(value, "__dict__", {}), listing)


def in_order(namespace: Any, listing: Listing) -> list[tuple[str, object]]:
    """A namespace sorted by name, or in its own order where something reads that."""
    items = list(namespace.items())
    return items if Reads.ORDER in listing.reads else sorted(items, key=lambda item: item[0])


def _state(
    value: Any,
    listing: Listing,
    content: Content,
    *,
    own: bool = False,
    hidden: Collection[str] = (),
) -> list[object]:
    """Writes the names of the attributes an instance has, and gives their values.

    With `own`, slots of classes of libraries do not count."""
    found, kept = [], []
    computed = _computed(type(value))
    for name, held in attributes(value, listing):
        if name in computed:
            kept.append((name, held))
        elif name not in hidden and _counts(name, listing):
            found.append((name, held))
    if computed:
        listing.remembered.append(kept)
    for name, slot in sorted(_slots(type(value)), key=lambda slot: slot[0]):
        if not own or not libraries.is_library_class(slot.__objclass__):
            with contextlib.suppress(AttributeError):
                found.append((name, slot.__get__(value, type(value))))
    content.write(Tag.ATTRIBUTES, u64(len(found)), *(name for name, _ in found))
    return [held for _, held in found]


def _counts(name: str, listing: Listing) -> bool:
    """Where a callable object stands for a function, `functools.wraps` puts these there."""
    reads = {
        "__doc__": Reads.DOCS,
        "__annotate__": Reads.ANNOTATIONS,
        "__annotations__": Reads.ANNOTATIONS,
    }
    return name not in reads or reads[name] in listing.reads


def _computed(kind: type) -> set[str]:
    items = [item for base in kind.__mro__ for item in base.__dict__.items()]
    return {name for name, held in items if type(held).__name__ == "cached_property"}


def _slots(kind: type) -> list[tuple[str, Any]]:
    """The slots of all bases, in order of method resolution."""
    items = [item for base in kind.__mro__ for item in base.__dict__.items()]
    return [item for item in items if type(item[1]).__name__ == "member_descriptor"]


def is_whole(kind: type) -> bool:
    """Whether instances are no larger than their attributes need: nothing is hidden in C."""
    words = len(_slots(kind)) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    needed = object.__basicsize__ + _WORD * words
    return kind.__itemsize__ == 0 and kind.__basicsize__ <= needed


def _pickles_its_own_way(kind: type) -> bool:
    methods = ["__reduce_ex__", "__reduce__", "__getstate__"]
    own = any(getattr(kind, method) is not getattr(object, method) for method in methods)
    return libraries.is_library_class(kind) and (own or kind in copyreg.dispatch_table)


@functools.cache
def is_dispatcher_module(name: str) -> bool:
    """Whether a module is the library's `functools`."""
    return name == "functools" and libraries.library_of("functools") is not None
