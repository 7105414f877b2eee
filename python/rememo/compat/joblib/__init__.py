"""joblib's `Memory`, kept by Rememo: change the import, and leave the rest as it is.

>>> import tempfile
>>> from rememo.compat.joblib import Memory
>>> memory = Memory(tempfile.mkdtemp(), verbose=0)
>>> @memory.cache
... def cube(x):
...     return x**3
>>> cube(3), cube.check_call_in_cache(3), cube.call_and_shelve(3).get()
(27, True, 27)
>>> memory.clear(warn=False)
"""

from rememo.compat.joblib.functions import MemorizedFunc, NotMemorizedFunc
from rememo.compat.joblib.memory import Memory, expires_after
from rememo.compat.joblib.results import MemorizedResult, NotMemorizedResult

__all__ = [
    "MemorizedFunc",
    "MemorizedResult",
    "Memory",
    "NotMemorizedFunc",
    "NotMemorizedResult",
    "expires_after",
]
