"""Values: scalars, the built-in containers, and the walk through what contains what."""

from __future__ import annotations

import struct
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from . import code, definitions, instances
from .encoder import Closed, Content, Tag, sized, u64

if TYPE_CHECKING:
    from .listing import Listing

_CONSTANTS = [
    (None, Tag.NONE),
    (False, Tag.FALSE),
    (True, Tag.TRUE),
    (..., Tag.ELLIPSIS),
    (NotImplemented, Tag.NOT_IMPLEMENTED),
]


class _Cyclic(Exception):  # noqa: N818 - says what a value is, not what went wrong
    """The value contains itself."""


def encode(value: object, listing: Listing, content: Content) -> None:
    """Encodes any value into the content of a part."""
    if encode_scalar(value, content) or definitions.refer(value, listing, content):
        return
    met = len(listing.remembered)
    try:
        closed = _Walk(listing, numbered=False).container(value)
    except _Cyclic:
        del listing.remembered[met:]
        closed = _numbered(value, listing, met)
    content.absorb(closed)


def _numbered(value: object, listing: Listing, met: int) -> Closed:
    """Walks until every container in a set that is met again tells its number."""
    walk = _Walk(listing, numbered=True)
    closed = walk.container(value)
    while walk.untold:
        del listing.remembered[met:]
        told = walk.told | walk.untold
        walk = _Walk(listing, numbered=True)
        walk.told = told
        closed = walk.container(value)
    return closed


def encode_scalar(value: object, content: Content) -> bool:
    """Encodes a value without parts; false, and nothing written, where it is not one."""
    for constant, tag in _CONSTANTS:
        if value is constant:
            content.write(tag)
            return True
    kind = type(value)
    if kind is str:
        content.write(Tag.STR, value)
    elif kind is int:
        content.write(Tag.INT, _sized_integer(value))
    elif kind is float:
        content.write(Tag.FLOAT, struct.pack("<d", value))
    elif kind is complex:
        content.write(Tag.COMPLEX, struct.pack("<dd", value.real, value.imag))
    elif kind is bytes or kind is bytearray:
        content.write(Tag.BYTES if kind is bytes else Tag.BYTEARRAY, sized(bytes(value)))
    else:
        return False
    return True


def _sized_integer(number: int) -> bytes:
    length = 8 if -(2**63) <= number < 2**63 else number.bit_length() // 8 + 1
    return sized(number.to_bytes(length, "little", signed=True))


class _Walk:
    """One walk through a value."""

    def __init__(self, listing: Listing, *, numbered: bool) -> None:
        self.listing = listing
        self.numbered = numbered
        self.open: set[int] = set()
        self.done: dict[int, Closed] = {}
        self.numbers: dict[int, int] = {}
        self.kept: list[object] = []
        self.sets = 0
        """How many sets the walk is inside of."""
        self.told: set[int] = set()
        """Numbers of containers in sets that are told where these begin."""
        self.silent: set[int] = set()
        """Those that are not."""
        self.untold: set[int] = set()
        """Those of the silent that were met again."""

    def container(self, value: object) -> Closed:
        self.kept.append(value)
        content = Content()
        if self.numbered:
            self._number(value, content)
        elif id(value) in self.open:
            raise _Cyclic
        self.open.add(id(value))
        children, ordered = _expand(value, self.listing, content)
        if ordered:
            for child in children:
                self._in_order(child, content)
        else:
            self.sets += 1
            if self.numbered:
                children = sorted(children, key=_shallow_order)
            elements = [self._apart(child) for child in children]
            for element, within in sorted(elements, key=self._order):
                content.absorb(element)
                self.listing.remembered += within
            self.sets -= 1
        self.open.remove(id(value))
        self.done[id(value)] = content.close()
        return self.done[id(value)]

    def _order(self, element: tuple[Closed, object]) -> tuple[object, ...]:
        """Functions of one name are told apart by their code."""
        closed, _ = element
        codes = []
        for target in closed.targets:
            content = Content()
            if isinstance(target.kept, FunctionType):
                definitions.encode_code(target.kept.__code__, self.listing, content)
            codes.append(content.close().order)
        return *closed.order, codes

    def _number(self, value: object, content: Content) -> None:
        number = len(self.numbers)
        self.numbers[id(value)] = number
        if not self.sets:
            return
        if number in self.told:
            content.write(Tag.SEEN, u64(number))
        else:
            self.silent.add(number)

    def _in_order(self, child: object, content: Content) -> None:
        if not encode_scalar(child, content) and not definitions.refer(
            child, self.listing, content
        ):
            content.absorb(self._closed(child))

    def _apart(self, child: object) -> tuple[Closed, list[list[tuple[str, object]]]]:
        """An element, with what cached properties keep within it."""
        content = Content()
        if encode_scalar(child, content) or definitions.refer(child, self.listing, content):
            return content.close(), []
        met = len(self.listing.remembered)
        closed = self._closed(child)
        within = self.listing.remembered[met:]
        del self.listing.remembered[met:]
        return closed, within

    def _closed(self, child: object) -> Closed:
        if self.numbered and id(child) in self.numbers:
            number = self.numbers[id(child)]
            self.untold |= {number} & self.silent
            content = Content()
            content.write(Tag.SEEN, u64(number))
            return content.close()
        if not self.numbered and id(child) in self.done:
            return self.done[id(child)]
        return self.container(child)


def _expand(value: object, listing: Listing, content: Content) -> tuple[list[object], bool]:
    """Writes the header of a container; gives its children, and whether their order counts."""
    kind = type(value)
    if kind is list or kind is tuple:
        content.write(Tag.LIST if kind is list else Tag.TUPLE, u64(len(value)))
        return list(value), True
    if kind is dict:
        turns = [each for item in value.items() for each in item]
        content.write(Tag.DICT, u64(len(turns)))
        return turns, True
    if kind is set or kind is frozenset:
        content.write(Tag.SET if kind is set else Tag.FROZENSET, u64(len(value)))
        return list(value), False
    if isinstance(value, CodeType):
        return code.expand(value, listing, content), True
    return instances.expand(value, listing, content), True


def _shallow_order(value: object) -> tuple[int, bytes]:
    """The order of a set's elements in a value that contains itself."""
    content = Content()
    if not encode_scalar(value, content):
        kind = type(value)
        named = kind.__module__ in {"builtins", "__main__"}
        content.write(kind.__qualname__ if named else f"{kind.__module__}.{kind.__qualname__}")
        for name, attribute in sorted(getattr(value, "__dict__", {}).items()):
            content.write(name)
            encode_scalar(attribute, content)
    return content.close().order
