"""Everything that is no exact built-in: wrappers, arrays, enumerations, instances."""

from __future__ import annotations

import copyreg
import enum
import functools
import pickle
from typing import TYPE_CHECKING, Any

from . import libraries, walk
from .encoder import Content, Tag, sized, u64
from .reads import Reads

if TYPE_CHECKING:
    from .listing import Listing

_WRAPPED = {
    ("builtins", "staticmethod"): "__func__",
    ("builtins", "classmethod"): "__func__",
    ("builtins", "method"): "__func__ __self__",
    ("builtins", "property"): "fget fset fdel",
    ("builtins", "builtin_function_or_method"): "__name__ __self__",
    ("builtins", "method-wrapper"): "__name__ __self__",
    ("builtins", "mappingproxy"): "",
    ("builtins", "memoryview"): "",
    ("_contextvars", "ContextVar"): "name",
    ("abc", "abstractproperty"): "fget fset fdel",
    ("enum", "property"): "fget fset fdel",
    ("functools", "_lru_cache_wrapper"): "__wrapped__",
    ("contextlib", "_GeneratorContextManager"): "func args kwds",
    ("contextlib", "_AsyncGeneratorContextManager"): "func args kwds",
    ("_thread", "_local"): "__dict__",
    ("weakref", "ReferenceType"): "",
    ("weakref", "WeakValueDictionary"): "",
    ("weakref", "WeakKeyDictionary"): "",
    ("_weakrefset", "WeakSet"): "",
    ("functools", "cached_property"): "func attrname",
    ("rememo._core", "Memoized"): "__wrapped__ semantics",
    ("rememo._core", "Frozen"): "value",
    ("rememo._core", "Ignore"): "",
    ("dataclasses", "Field"): "name default default_factory init repr hash compare kw_only"
    " metadata",
}
# What every member of an enumeration has.
_OF_MEMBERS = {"__objclass__", "_name_", "_sort_order_", "_value_", "__module__"}
_WORD = 8


def expand(value: Any, listing: Listing, content: Content) -> list[object]:
    """Writes the header of an instance; gives its children, in order."""
    kind = type(value)
    if hasattr(kind, "__getfrozenstate__"):
        return _own_state(value, ["__getfrozenstate__"], content)
    if hasattr(kind, "__cache_key__"):
        return _own_state(value, ["__cache_key__", "__cache_ver__"], content)
    if type_name(kind) in _WRAPPED:
        return _wrapper(value, content)
    if type_name(kind) in {("numpy", "ndarray"), ("numpy", "memmap")}:
        return _array(value, content)
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
    if is_whole(kind) and not _pickles_its_own_way(kind):
        content.write(Tag.INSTANCE)
        return [kind, *_state(value, listing, content)]
    if hasattr(kind, "__next__"):
        raise TypeError("an iterator is used up by looking at it")
    library = libraries.is_library_class(kind)
    for base in kind.__mro__[1:]:
        if type_name(base) in _WRAPPED and not library:
            return _wrapper_subclass(value, _WRAPPED[type_name(base)].split(), content)
        if base in {dict, list, tuple} and not library:
            content.write(Tag.BUILTIN_SUBCLASS)
            return [kind, _as_built_in(value, base), *_state(value, listing, content)]
        known = base in {dict, list, tuple} or libraries.is_library_class(base)
        if known and type_name(base) not in _WRAPPED:
            break
    return _reduced(value, listing, content)


def type_name(kind: type) -> tuple[str, str]:
    """The module and name of a type."""
    module = kind.__module__
    return module if isinstance(module, str) else "", kind.__name__


def _as_built_in(value: Any, base: type) -> object:
    if base is dict:
        return dict(zip(dict.keys(value), dict.values(value), strict=True))
    return base(base.__iter__(value))


def _own_state(value: Any, methods: list[str], content: Content) -> list[object]:
    content.write(Tag.OWN_STATE)
    there = [method for method in methods if hasattr(value, method)]
    return [type(value), *(getattr(value, method)() for method in there)]


def _wrapper(value: Any, content: Content) -> list[object]:
    module, name = type_name(type(value))
    content.write(Tag.FIELDS, module, name)
    fields = [getattr(value, field) for field in _WRAPPED[module, name].split()]
    match name:
        case "mappingproxy" | "WeakValueDictionary" | "WeakKeyDictionary":
            return [dict(value.items())]
        case "memoryview":
            return [value.format, value.shape, value.tobytes()]
        case "ContextVar":
            nothing = object()
            held = value.get(nothing)
            return fields if held is nothing else [*fields, held]
        case "ReferenceType":
            return [value()]
        case "WeakSet":
            return [set(value)]
        case _:
            return fields


def _wrapper_subclass(value: Any, fields: list[str], content: Content) -> list[object]:
    attributes = sorted(getattr(value, "__dict__", {}).items())
    children = [type(value)]
    children += [getattr(value, field) for field in fields]
    children += [attribute for _, attribute in attributes]
    content.write(Tag.WRAPPER_SUBCLASS, u64(len(children)))
    return children


def _array(array: Any, content: Content) -> list[object]:
    content.write(Tag.ARRAY, type(array).__name__, u64(array.ndim), *map(u64, array.shape))
    if array.dtype.names is not None:
        return [array.dtype, *(array[name] for name in array.dtype.names)]
    if array.dtype.hasobject:
        return [array.dtype, array.ravel().tolist()]
    content.write(array.dtype.str, Tag.BUFFER, sized(array.tobytes()))
    return []


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


def _state(value: Any, listing: Listing, content: Content) -> list[object]:
    """Writes the names of the attributes an instance has, and gives their values."""
    slots, computed = _slots_and_computed(type(value))
    found = []
    for name, held in attributes(value, listing):
        if name in computed:
            apart = Content()
            walk.encode(held, listing, apart)
            listing.remember(apart)
        else:
            found.append((name, held))
    found += [(name, getattr(value, name)) for name in sorted(slots) if hasattr(value, name)]
    content.write(Tag.ATTRIBUTES, u64(len(found)), *(name for name, _ in found))
    return [held for _, held in found]


def _slots_and_computed(kind: type) -> tuple[set[str], set[str]]:
    slots, computed = set(), set()
    for base in kind.__mro__:
        for name, held in base.__dict__.items():
            if type(held).__name__ == "member_descriptor":
                slots.add(name)
            elif type(held).__name__ == "cached_property":
                computed.add(name)
    return slots, computed


def is_whole(kind: type) -> bool:
    """Whether instances are no larger than their attributes need: nothing is hidden in C."""
    slots = [
        name
        for base in kind.__mro__
        for name, held in base.__dict__.items()
        if type(held).__name__ == "member_descriptor"
    ]
    words = len(slots) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    needed = object.__basicsize__ + _WORD * words
    return kind.__itemsize__ == 0 and kind.__basicsize__ <= needed


def _pickles_its_own_way(kind: type) -> bool:
    methods = ["__reduce_ex__", "__reduce__", "__getstate__"]
    own = any(getattr(kind, method) is not getattr(object, method) for method in methods)
    return libraries.is_library_class(kind) and (own or kind in copyreg.dispatch_table)


def _reduced(value: Any, listing: Listing, content: Content) -> list[object]:
    special = copyreg.dispatch_table.get(type(value))
    reduced = special(value) if special else value.__reduce_ex__(5)
    if isinstance(reduced, str):
        _by_name(value, reduced, listing, content)
        return []
    content.write(Tag.REDUCED, u64(len(reduced)))
    children = list(reduced)
    for at, child in enumerate(reduced):
        if at == 2 and type(child) is dict and all(type(name) is str for name in child):
            children[at] = dict(sorted(child.items()))
        elif at in {3, 4} and child is not None:
            children[at] = list(child)
    return children


def _by_name(value: Any, name: str, listing: Listing, content: Content) -> None:
    """An object that pickles as the name of a global."""
    if found := libraries.library_object(value):
        libraries.write_constant(*found, content)
        return
    module = pickle.whichmodule(value, name)  # type: ignore[attr-defined]
    qualified = f"{libraries.module_name(module)}.{name}"
    if library := libraries.library_of(module):
        libraries.write_constant(library, qualified, content)
        return
    content.write(Tag.NAMED, qualified)
    if Reads.ANNOTATIONS in listing.reads:
        for attribute in ["__supertype__", "__bound__", "__constraints__"]:
            if hasattr(value, attribute):
                walk.encode(getattr(value, attribute), listing, content)


@functools.cache
def is_dispatcher_module(name: str) -> bool:
    """Whether a module is the library's `functools`."""
    return name == "functools" and libraries.library_of("functools") is not None
