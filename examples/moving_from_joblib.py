"""After the first example of joblib's gallery, "How to use joblib.Memory": one line is another.

It was ``from joblib import Memory``. Run it twice: the second time, nothing is computed.
"""

import sys
import time

import numpy as np
from rememo.compat.joblib import Memory

memory = Memory(sys.argv[1] if len(sys.argv) > 1 else "cache", verbose=0)


def costly_compute(data, column):
    """Stands for something that takes long."""
    print("computing", column)
    time.sleep(0.2)
    return data[column]


class Algorithm:
    """Keeps what its method works out."""

    def __init__(self, column):
        self.column = column
        self.transform_cached = memory.cache(self.transform)

    def transform(self, data):
        return costly_compute(data, self.column)


if __name__ == "__main__":
    data = np.random.default_rng(42).normal(size=(10_000, 10))
    costly_compute_cached = memory.cache(costly_compute)
    print(costly_compute_cached(data, 0).sum())
    print(costly_compute_cached(data, column=0).sum())
    print(Algorithm(1).transform_cached(data).sum())
    print(costly_compute_cached.check_call_in_cache(data, 0))
