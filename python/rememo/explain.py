"""Why a call was, or would be, answered from the cache or not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a result depends on and that is no longer what it was."""

    name: str
    """What changed, as ``module.qualified_name`` or an argument's name."""
    kind: str
    """What sort of thing it is: function, class, global, argument and so on."""
    old: str | None
    """How it was, in short; None if it is new."""
    new: str | None
    """How it is, in short; None if it is gone."""
    old_source: str | None = None
    """Its source as it was, where known."""
    new_source: str | None = None
    """Its source as it is, where known."""

    def diff(self) -> str:
        """Returns a unified diff of the sources, or of the short forms where there are none."""
        import difflib

        if self.old_source is None and self.new_source is None:
            old, new = self.old, self.new
        else:
            old, new = self.old_source, self.new_source
        return "\n".join(
            difflib.unified_diff(
                (old or "").splitlines(),
                (new or "").splitlines(),
                fromfile=f"{self.name} (before)",
                tofile=f"{self.name} (now)",
                lineterm="",
            )
        )

    def __str__(self) -> str:
        """Says what changed in one line, then how."""
        if self.old is None and self.old_source is None:
            verb = "is new"
        elif self.new is None and self.new_source is None:
            verb = "is gone"
        else:
            verb = "changed"
        head = f"{self.kind} {self.name} {verb}"
        diff = self.diff()
        return f"{head}\n{diff}" if diff else head


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the cache says of one call."""

    hit: bool
    """Whether the call is answered from the cache."""
    reason: str
    """Why, in one sentence."""
    changes: tuple[Change, ...] = ()
    """What differs from the nearest stored call; empty for a hit."""
    key: str | None = None
    """The call's key, where it has one."""

    def __str__(self) -> str:
        """Says whether and why, then each change, indented."""
        lines = [f"{'hit' if self.hit else 'miss'}: {self.reason}"]
        if self.key is not None:
            lines.append(f"  key {self.key}")
        lines.extend(f"  {line}" for change in self.changes for line in str(change).splitlines())
        return "\n".join(lines)
