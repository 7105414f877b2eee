"""The listing of parts, breadth first, and the digest over it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from blake3 import blake3

from . import walk
from .encoder import Content, Target, text, u64
from .reads import Reads

if TYPE_CHECKING:
    from typing import Self


class Listing:
    """One walk from a root, under what is known to count of what code says about itself."""

    def __init__(self, reads: Reads) -> None:
        """Nothing is listed yet."""
        self.reads = reads
        self.met = Reads(0)
        self.remembered: list[list[tuple[str, object]]] = []
        """What cached properties keep, for each instance that was met."""
        self.kept: bytes | None = None
        """The digest of that, and of all that it leads to."""
        self.pending: list[Target] = []
        self.parts: list[tuple[str, bytes]] = []
        self.digest = b""

    def run(self, root: Target) -> Self:
        """Lists everything that is reached from the root."""
        self.digest = self._listed(root)
        listed = len(self.parts)
        self.kept = self._kept(root)
        del self.parts[listed:]
        return self

    def _listed(self, root: Target) -> bytes:
        """Lists a part and all that it leads to and that is not listed yet."""
        self.pending.append(root)
        whole = b""
        while len(self.parts) < len(self.pending):
            target = self.pending[len(self.parts)]
            content = Content()
            target.write(self, content)
            digest = blake3(content.data).digest()
            self.parts.append((target.name, digest))
            whole += digest + u64(len(content.targets))
            whole += b"".join(u64(self._number(edge)) for edge in content.targets)
        return blake3(whole).digest()

    def _number(self, edge: Target) -> int:
        known = [known.identity for known in self.pending]
        if edge.identity not in known:
            self.pending.append(edge)
            known.append(edge.identity)
        return known.index(edge.identity)

    def _kept(self, root: Target) -> bytes | None:
        """Lists what cached properties keep; what that leads to may keep more."""
        whole = text(root.name)
        known: list[object] = []
        for turn in itertools.count():
            before = len(known)
            met, self.remembered = self.remembered, []
            for instance in met:
                whole += u64(len(instance))
                for name, value in instance:
                    if not any(value is other for other in known):
                        known.append(value)
                    number = next(at for at, other in enumerate(known) if other is value)
                    whole += text(name) + u64(number)
            if len(known) == before:
                break
            whole += self._listed(self._fresh(turn, tuple(known[before:]), root.name))
        return blake3(whole).digest() if known else None

    @staticmethod
    def _fresh(turn: int, values: tuple[object, ...], name: str) -> Target:
        def write(listing: Listing, content: Content) -> None:
            walk.encode(values, listing, content)

        return Target(("kept", turn), name, write, values)
