"""Tags, numbers, texts, folding and references: what everything else is written with."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import xxhash
from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable

    from .listing import Listing

BULK = 4096
FOLD = 256


class Tag(enum.IntEnum):
    """What the byte before a value says."""

    NONE = 1
    FALSE = 2
    TRUE = 3
    INT = 4
    FLOAT = 5
    COMPLEX = 6
    STR = 7
    BYTES = 8
    BYTEARRAY = 9
    TUPLE = 10
    LIST = 11
    DICT = 12
    SET = 13
    FROZENSET = 14
    ELLIPSIS = 15
    NOT_IMPLEMENTED = 16
    SEEN = 17
    CODE = 18
    FUNCTION = 19
    CLASS = 20
    MODULE = 21
    REFERENCE = 22
    FOLDED = 23
    MISSING = 24
    NAME = 25
    IMPORT = 26
    EXTERNAL = 27
    INSTANCE = 28
    REDUCED = 29
    NAMED = 30
    ENUM = 31
    DESCRIPTOR = 32
    ARRAY = 33
    FIELDS = 34
    BUFFER = 35
    ATTRIBUTES = 36
    OWN_STATE = 37
    SET_SUBCLASS = 38
    REGISTERED = 39
    IGNORED = 40
    VERSIONED = 41
    UNORDERED_DICT = 42
    BUILTIN_SUBCLASS = 43
    WRAPPER_SUBCLASS = 44
    REDUCED_SUBCLASS = 45
    VIRTUAL_SUBCLASSES = 46
    OBJECTS = 47
    OTHER = 48
    LEFT_OUT = 49
    BY_NAME = 50


def u64(number: int) -> bytes:
    """Eight bytes, little-endian."""
    return number.to_bytes(8, "little")


def sized(data: bytes) -> bytes:
    """Bytes with their length; long ones by their XXH3-128."""
    if len(data) < BULK:
        return u64(len(data)) + b"\0" + data
    return u64(len(data)) + b"\1" + xxhash.xxh3_128_intdigest(data).to_bytes(16, "little")


def text(string: str) -> bytes:
    """UTF-8 with its length."""
    return sized(string.encode("utf-8", "surrogatepass"))


@dataclass(eq=False)
class Target:
    """Another part that is referred to."""

    identity: tuple[object, ...]
    """What makes two references mean one part. Objects stand in it by `id`."""
    name: str
    write: Callable[[Listing, Content], None]
    kept: object
    """What must live for as long as its `id` is used."""


@dataclass(frozen=True)
class Closed:
    """A finished encoding, and the targets that its numbers stand for."""

    kind: int
    """0 for the encoding itself, 1 for its digest."""
    data: bytes
    targets: list[Target]

    @property
    def order(self) -> tuple[int, bytes]:
        """How the elements of a set are sorted."""
        return self.kind, self.data

    @property
    def folded(self) -> bytes:
        """How it stands in the encoding around it."""
        return b"\1" + self.data if self.kind else b"\0" + u64(len(self.data)) + self.data


@dataclass(eq=False)
class Content:
    """An encoding under way: of a part, or of a container within one."""

    data: bytearray = field(default_factory=bytearray)
    targets: list[Target] = field(default_factory=list)

    def write(self, *pieces: Tag | bytes | str) -> None:
        """Writes tags, finished bytes, and texts."""
        for piece in pieces:
            if isinstance(piece, Tag):
                self.data.append(piece)
            else:
                self.data += text(piece) if isinstance(piece, str) else piece

    def refer(self, target: Target) -> None:
        """Writes a reference to another part."""
        self.write(Tag.REFERENCE, target.name, u64(self._number(target)))

    def absorb(self, closed: Closed) -> None:
        """Writes a finished encoding, and what its numbers are here."""
        self.write(Tag.FOLDED, closed.folded, u64(len(closed.targets)))
        for target in closed.targets:
            self.write(u64(self._number(target)))

    def close(self) -> Closed:
        """Finishes the encoding."""
        if len(self.data) <= FOLD:
            return Closed(0, bytes(self.data), self.targets)
        return Closed(1, blake3(self.data).digest(), self.targets)

    def _number(self, target: Target) -> int:
        known = [known.identity for known in self.targets]
        if target.identity not in known:
            self.targets.append(target)
        return [known.identity for known in self.targets].index(target.identity)
