"""Processes of multiprocessing and concurrent.futures, started in any way, share what they find.

Run it twice: the second time, nothing is computed. It takes a start method: fork, spawn or
forkserver.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from rememo import memoize


@memoize
def count_primes(below):
    """Stands for something that takes long."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, below))


if __name__ == "__main__":
    method = sys.argv[1] if len(sys.argv) > 1 else None
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        print(pool.map(count_primes, [1000, 2000, 3000]))
    # Both ask for the same at once: it is computed once.
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        print(list(executor.map(count_primes, [40_000, 40_000])))
