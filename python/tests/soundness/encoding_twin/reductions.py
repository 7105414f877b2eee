"""What pickling keeps of an object, and what a base that hides its state tells of it."""

from __future__ import annotations

import copyreg
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any

from . import libraries, walk
from .encoder import Content, Tag, u64
from .reads import Reads
from .wrappers import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .listing import Listing


def reduced(value: Any, listing: Listing, content: Content) -> list[object]:
    """An instance of a library's class."""
    parts = _reduction(value)
    if isinstance(parts, str):
        _by_name(value, parts, listing, content)
        return []
    told = _settled(parts)
    while isinstance(value, BaseException) and (told[-1] is None or told[-1] == {}):
        told.pop()
    content.write(Tag.REDUCED, u64(len(told)))
    return [*told, *_left_out(value, listing)]


def of_subclass(value: Any, home: type, listing: Listing, content: Content) -> list[object]:
    """One of the user's own class, with what its base says; nothing, if that is a name."""
    parts = _as_the_base(value, home)
    if isinstance(parts, str):
        _by_name(value, parts, listing, content)
        return []
    told = [None if _is_namespace_of(value, part) else part for part in _settled(parts)]
    while told and told[-1] is None:
        told.pop()
    content.write(Tag.REDUCED_SUBCLASS, u64(len(told)))
    return [type(value), *told, *_content_of(value, home), *_left_out(value, listing)]


def _reduction(value: Any) -> Any:
    special = copyreg.dispatch_table.get(type(value))
    return special(value) if special else value.__reduce_ex__(5)


def _as_the_base(value: Any, home: type) -> Any:
    full, plain = home.__reduce_ex__, home.__reduce__
    if full is object.__reduce_ex__:
        return _reduction(value) if plain is object.__reduce__ else plain(value)
    if plain is not object.__reduce__ and type(value).__reduce__ is not plain:
        return plain(value)
    return full(value, 5)


def _settled(parts: tuple[Any, ...]) -> list[object]:
    children = list(parts)
    for at, child in enumerate(parts):
        if at == 2 and type(child) is dict and all(type(name) is str for name in child):
            children[at] = dict(sorted(child.items()))
        elif at in {3, 4} and child is not None:
            children[at] = list(child)
    return children


def _is_namespace_of(value: Any, part: object) -> bool:
    own = getattr(value, "__dict__", None)
    if type(part) is not dict or own is None or len(own) != len(part):
        return False
    return all(name in own and own[name] is held for name, held in part.items())


def _content_of(value: Any, home: type) -> list[object]:
    """Elements and items as the base has them, where the subclass put something in their place."""
    replaced = [
        own
        for name in ["__iter__", "items"]
        if (own := getattr(home, name, None)) and getattr(type(value), name) is not own
    ]
    return [list(own(value)) for own in replaced]


def _left_out(value: Any, listing: Listing) -> list[object]:
    """What pickling leaves out of an exception."""
    if not isinstance(value, BaseException):
        return []
    kinds = type(value).__mro__
    members = {
        name: held
        for kind in reversed(kinds[: kinds.index(BaseException)])
        if not libraries.is_made_while_running(kind)
        for name, member in vars(kind).items()
        if isinstance(member, types.MemberDescriptorType)
        and (held := getattr(value, name, None)) is not None
    }
    left_out: list[object] = [dict(sorted(members.items()))] if members else []
    if Reads.CHAIN in listing.reads:
        left_out += [value.__cause__, value.__context__]
    return left_out


def _by_name(value: Any, name: str, listing: Listing, content: Content) -> None:
    """An object that pickles as the name of a global."""
    found = libraries.library_object(value) or _in_library(value, name)
    if found:
        libraries.write_constant(*found, content)
        return
    if type(value).__module__ not in {"typing", "typing_extensions"}:
        raise TypeError(f"it pickles as a name that leads to nothing or another: {name}")
    content.write(Tag.NAMED, f"{libraries.module_name(value.__module__)}.{name}")
    if Reads.ANNOTATIONS in listing.reads:
        for attribute in ["__supertype__", "__bound__", "__constraints__"]:
            if hasattr(value, attribute):
                walk.encode(getattr(value, attribute), listing, content)


def _in_library(value: Any, name: str) -> tuple[libraries.Library, str] | None:
    for module in _candidates(value):
        held = getattr(sys.modules.get(module), "__dict__", {})
        library = libraries.library_of(module)
        if held.get(name) is value and library:
            return library, f"{module}.{name}"
    return None


def _candidates(value: Any) -> Iterator[str]:
    own = getattr(value, "__module__", None)
    home, _ = type_name(type(value))
    first = [own] if isinstance(own, str) else []
    by_depth = sorted(sys.modules, key=lambda module: (module.count("."), module))
    return itertools.chain(first, [home.split(".", maxsplit=1)[0]], by_depth)
