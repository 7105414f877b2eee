"""Persistent memoization that notices when the code behind a result changes.

>>> from rememo import memoize
>>> @memoize
... def slow(n):
...     return sum(range(n))
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rememo import _core, notices, operations_log
from rememo._core import FreezeConfig, Frozen, Ignore, Memoized, freeze, register
from rememo.cache import Cache
from rememo.fingerprints import (
    code_version,
    freeze_tree,
    iterate_diffs,
    scan,
    summarize_diffs,
)
from rememo.info import CacheInfo, NotCached
from rememo.memoize import memoize
from rememo.warnings import (
    ChangedDuringCallWarning,
    NotCachedWarning,
    RememoWarning,
    StoreWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    UnseenDependencyWarning,
)

if TYPE_CHECKING:
    from rememo.explain import Change, Explanation
    from rememo.requirements import required_modules

__all__ = [
    "Cache",
    "CacheInfo",
    "Change",
    "ChangedDuringCallWarning",
    "Explanation",
    "FreezeConfig",
    "Frozen",
    "Ignore",
    "Memoized",
    "NotCached",
    "NotCachedWarning",
    "RememoWarning",
    "StoreWarning",
    "UnfreezableWarning",
    "UnpicklableResultWarning",
    "UnseenDependencyWarning",
    "code_version",
    "freeze",
    "freeze_tree",
    "iterate_diffs",
    "memoize",
    "register",
    "required_modules",
    "scan",
    "summarize_diffs",
]

_core.subscribe(operations_log.write, logged=True)
_core.subscribe(notices.warn, notices.KINDS)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_core.before_fork,
        after_in_parent=_core.after_fork_in_parent,
        after_in_child=_core.after_fork_in_child,
    )


def __getattr__(name: str) -> object:
    # These are dataclasses, and importing `dataclasses` imports `inspect`.
    if name in {"Change", "Explanation"}:
        from rememo import explain

        return getattr(explain, name)
    if name == "required_modules":
        from rememo.requirements import required_modules

        return required_modules
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
