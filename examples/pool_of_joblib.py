"""Workers of joblib share what they find. Run it twice: the second time, nothing is computed."""

from joblib import Parallel, delayed
from rememo import memoize


@memoize
def count_primes(below):
    """Stands for something that takes long."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, below))


if __name__ == "__main__":
    jobs = [delayed(count_primes)(below) for below in (1000, 2000, 3000)]
    print(Parallel(n_jobs=2)(jobs))
    # Both ask for the same at once: it is computed once.
    print(Parallel(n_jobs=2)([delayed(count_primes)(40_000)] * 2))
