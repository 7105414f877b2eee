"""Workers of Dask share what they find. Run it twice: the second time, nothing is computed."""

import dask
import dask.bag
from dask.distributed import Client, LocalCluster
from rememo import memoize


@memoize
def count_primes(below):
    """Stands for something that takes long."""
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, below))


if __name__ == "__main__":
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=True, **settings) as cluster, Client(cluster) as client:
        print(client.gather(client.map(count_primes, [1000, 2000, 3000])))
        print(dask.bag.from_sequence([1000, 4000], npartitions=2).map(count_primes).compute())
        # Tasks of one function and arguments are one task for Dask, unless they are not "pure".
        twice = [dask.delayed(count_primes, pure=False)(40_000) for _ in range(2)]
        print(dask.compute(*twice))
