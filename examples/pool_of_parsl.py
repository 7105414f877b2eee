"""Apps of Parsl share what they find. Run it twice: the second time, nothing is computed."""

import tempfile

import parsl
from parsl.config import Config
from parsl.executors import ThreadPoolExecutor
from rememo import memoize


@memoize
def count_primes(below):
    """Stands for something that takes long."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, below))


@parsl.python_app
def count(below):
    """Calls the memoized function from an app, as apps call any other."""
    return count_primes(below)


if __name__ == "__main__":
    threads = [ThreadPoolExecutor(max_threads=2)]
    with tempfile.TemporaryDirectory() as runs:
        settings = Config(executors=threads, run_dir=runs, usage_tracking=0)
        with parsl.load(settings):
            print([future.result() for future in [count(below) for below in (1000, 2000, 3000)]])
            # Both ask for the same at once: it is computed once.
            print([future.result() for future in [count(40_000), count(40_000)]])
