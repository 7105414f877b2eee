"""The listing of parts, breadth first, and the digest over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from .encoder import Content, Target, u64
from .reads import Reads

if TYPE_CHECKING:
    from typing import Self


class Listing:
    """One walk from a root, under what is known to count of what code says about itself."""

    def __init__(self, reads: Reads) -> None:
        """Nothing is listed yet."""
        self.reads = reads
        self.met = Reads(0)
        self.remembered: list[bytes] = []
        self.parts: list[tuple[str, bytes]] = []
        self.digest = b""

    def remember(self, content: Content) -> None:
        """Notes what a property computed earlier."""
        self.remembered.append(blake3(content.data).digest())

    def run(self, root: Target) -> Self:
        """Lists everything that is reached from the root."""
        pending = [root]
        whole = b""
        for target in pending:  # it grows meanwhile
            content = Content()
            target.write(self, content)
            digest = blake3(content.data).digest()
            self.parts.append((target.name, digest))
            whole += digest + u64(len(content.targets))
            for edge in content.targets:
                known = [known.identity for known in pending]
                if edge.identity not in known:
                    pending.append(edge)
                    known.append(edge.identity)
                whole += u64(known.index(edge.identity))
        self.digest = blake3(whole).digest()
        return self
