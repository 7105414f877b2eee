"""Persistent memoization that notices when the code behind a result changes.

>>> from rememo import memoize
>>> @memoize
... def slow(n):
...     return sum(range(n))
"""

from __future__ import annotations

import os

from rememo import _core, notices, operations_log
from rememo._core import (
    FreezeConfig,
    Frozen,
    Ignore,
    Memoized,
    __version__,
    freeze,
    register,
    track,
)
from rememo.cache import Cache
from rememo.memoize import memoize
from rememo.resolvers import using
from rememo.warnings import (
    CacheThrashingWarning,
    ChangedDuringCallWarning,
    ChildProcessWarning,
    ClockWarning,
    DeviceWarning,
    DroppedOutputWarning,
    FigureEffectWarning,
    FileEffectWarning,
    ImpurityWarning,
    NetworkWarning,
    NondeterminismWarning,
    NotCachedWarning,
    OverheadWarning,
    PolicyWarning,
    ProcessEffectWarning,
    RandomnessWarning,
    RememoWarning,
    ResultTooLargeWarning,
    StoreWarning,
    TerminalWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    UnseenDependencyWarning,
    UnwatchedWarning,
)

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from rememo.acceptances import Acceptance
    from rememo.accounts import FunctionStats
    from rememo.configuration import Configuration, config
    from rememo.dependencies import Dir, Env, File, Package
    from rememo.drawings import drawing
    from rememo.errors import ImpureCallError, RememoError
    from rememo.explain import Change, Explanation
    from rememo.file_contents import FileContents
    from rememo.fingerprints import (
        code_version,
        freeze_tree,
        iterate_diffs,
        scan,
        summarize_diffs,
    )
    from rememo.info import CacheInfo, Entry, NotCached, Usage
    from rememo.methods import BoundMemoized
    from rememo.misses import LastMiss
    from rememo.requirements import required_modules
    from rememo.shelved import Held, Shelved
    from rememo.switches import disabled
    from rememo.ttl import TTLInterval

__all__ = [
    "Acceptance",
    "BoundMemoized",
    "Cache",
    "CacheInfo",
    "CacheThrashingWarning",
    "Change",
    "ChangedDuringCallWarning",
    "ChildProcessWarning",
    "ClockWarning",
    "Configuration",
    "DeviceWarning",
    "Dir",
    "DroppedOutputWarning",
    "Entry",
    "Env",
    "Explanation",
    "FigureEffectWarning",
    "File",
    "FileContents",
    "FileEffectWarning",
    "FreezeConfig",
    "Frozen",
    "FunctionStats",
    "Held",
    "Ignore",
    "ImpureCallError",
    "ImpurityWarning",
    "LastMiss",
    "Memoized",
    "NetworkWarning",
    "NondeterminismWarning",
    "NotCached",
    "NotCachedWarning",
    "OverheadWarning",
    "Package",
    "PolicyWarning",
    "ProcessEffectWarning",
    "RandomnessWarning",
    "RememoError",
    "RememoWarning",
    "ResultTooLargeWarning",
    "Shelved",
    "StoreWarning",
    "TTLInterval",
    "TerminalWarning",
    "UnfreezableWarning",
    "UnpicklableResultWarning",
    "UnseenDependencyWarning",
    "UnwatchedWarning",
    "Usage",
    "__version__",
    "code_version",
    "config",
    "disabled",
    "drawing",
    "freeze",
    "freeze_tree",
    "iterate_diffs",
    "memoize",
    "register",
    "required_modules",
    "scan",
    "summarize_diffs",
    "track",
    "using",
]

_WHERE_ASKED_FOR = {
    "Acceptance": "acceptances",
    "BoundMemoized": "methods",
    "CacheInfo": "info",
    "Change": "explain",
    "Configuration": "configuration",
    "Dir": "dependencies",
    "Entry": "info",
    "Env": "dependencies",
    "Explanation": "explain",
    "File": "dependencies",
    "FileContents": "file_contents",
    "Held": "shelved",
    "Shelved": "shelved",
    "FunctionStats": "accounts",
    "ImpureCallError": "errors",
    "LastMiss": "misses",
    "NotCached": "info",
    "Package": "dependencies",
    "TTLInterval": "ttl",
    "RememoError": "errors",
    "Usage": "info",
    "code_version": "fingerprints",
    "config": "configuration",
    "disabled": "switches",
    "drawing": "drawings",
    "freeze_tree": "fingerprints",
    # What IPython asks an extension for.
    "load_ipython_extension": "magics",
    "unload_ipython_extension": "magics",
    "iterate_diffs": "fingerprints",
    "required_modules": "requirements",
    "scan": "fingerprints",
    "summarize_diffs": "fingerprints",
}

_core.subscribe(operations_log.write, logged=True)
operations_log.write_to_file()
_core.subscribe(notices.warn, notices.KINDS)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_core.before_fork,
        after_in_parent=_core.after_fork_in_parent,
        after_in_child=_core.after_fork_in_child,
    )


def __getattr__(name: str) -> object:
    # What few programs need, and what would make all of them start more slowly: some of it takes
    # `typing`, some `dataclasses`, which takes `inspect`.
    if home := _WHERE_ASKED_FOR.get(name):
        import importlib

        found = getattr(importlib.import_module(f"rememo.{home}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
