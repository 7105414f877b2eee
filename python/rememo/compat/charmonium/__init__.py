"""The predecessor's interface, kept by Rememo: change the import, and leave the rest as it is.

>>> from rememo.compat.charmonium import MemoizedGroup, memoize
>>> group = MemoizedGroup(size="10 MiB", temporary=True)
>>> @memoize(group=group)
... def square(x):
...     return x**2
>>> square(4), square.would_hit(4), square.would_hit(5)
(16, True, False)
"""

from rememo.compat.charmonium.functions import CacheThrashingWarning, Memoized, memoize
from rememo.compat.charmonium.groups import (
    DEFAULT_FREEZE_CONFIG,
    DEFAULT_MEMOIZED_GROUP,
    MemoizedGroup,
)
from rememo.compat.charmonium.helpers import FileContents, Future, TTLInterval
from rememo.compat.charmonium.locks import FileRWLock, Lock, NaiveRWLock, RWLock
from rememo.compat.charmonium.policies import GDSize, ReplacementPolicy
from rememo.compat.charmonium.stores import DirObjStore, ObjStore, Pickler

__all__ = [
    "DEFAULT_FREEZE_CONFIG",
    "DEFAULT_MEMOIZED_GROUP",
    "CacheThrashingWarning",
    "DirObjStore",
    "FileContents",
    "FileRWLock",
    "Future",
    "GDSize",
    "Lock",
    "Memoized",
    "MemoizedGroup",
    "NaiveRWLock",
    "ObjStore",
    "Pickler",
    "RWLock",
    "ReplacementPolicy",
    "TTLInterval",
    "memoize",
]
