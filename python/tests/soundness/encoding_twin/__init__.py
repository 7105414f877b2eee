"""The canonical encoding once more, in plain Python: slow, and as docs/design/encoding.md has it.

`test_encoding.py` compares it with the Rust implementation. It covers scalars, containers, values
that contain themselves, instances of every kind, arrays, code, functions, classes, modules,
libraries and the key of a call. It leaves out what a user declares (`FreezeConfig`, `register`)
and the shapes of pandas.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

from blake3 import blake3

from .definitions import function_target
from .encoder import Content, Target, text, u64
from .listing import Listing
from .reads import Reads
from .walk import encode

if TYPE_CHECKING:
    from types import FunctionType

SCHEME_VERSION = 5

__all__ = ["call_key", "content", "freeze", "parts"]


def freeze(value: object) -> str:
    """The digest of a value, in hexadecimal."""
    return _settled([_value(value)])[0].digest.hex()


def parts(value: object) -> list[tuple[str, str]]:
    """The parts of a value: name and digest of each."""
    return [(name, digest.hex()) for name, digest in _settled([_value(value)])[0].parts]


def content(value: object) -> bytes:
    """What the one part of a value without functions, classes and modules consists of."""
    written = Content()
    encode(value, Listing(Reads(0)), written)
    if written.targets:
        raise ValueError("the value refers to other parts")
    return bytes(written.data)


def call_key(function: FunctionType, arguments: dict[str, object], *, version: object) -> str:
    """The key of a call with these arguments, `version` being None where none was declared."""
    target = function_target(function)
    declared = [] if version is None else [_value(version, "version")]
    given = [_value(value, name) for name, value in arguments.items()]
    listings = _settled([target, *declared, *given])
    states = listings[: 1 + len(declared)]
    state = states[0].digest
    for listing in states[1:]:
        state = blake3(state + listing.digest).digest()
    digests = zip(arguments, listings[len(states) :], strict=True)
    bound = b"".join(text(name) + listing.digest for name, listing in digests)
    key = u64(SCHEME_VERSION) + text(target.name) + state + blake3(bound).digest()
    return _with_remembered(blake3(key).digest(), listings).hex()


def _with_remembered(key: bytes, listings: list[Listing]) -> bytes:
    """Hashes what properties remembered into a key, if they did."""
    kept = b"".join(listing.kept for listing in listings if listing.kept)
    return blake3(key + blake3(kept).digest()).digest() if kept else key


def _value(value: object, name: str = "") -> Target:
    def write(listing: Listing, content: Content) -> None:
        encode(value, listing, content)

    return Target(("root",), name, write, value)


def _settled(roots: list[Target]) -> list[Listing]:
    """Lists again, where something listed reads what did not count yet."""
    reads = Reads(0)
    while True:
        listings = [Listing(reads).run(root) for root in roots]
        met = functools.reduce(operator.or_, (listing.met for listing in listings), reads)
        if met == reads:
            return listings
        reads = met
