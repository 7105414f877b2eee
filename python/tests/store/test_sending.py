"""Caches and memoized functions go to other processes, and work on the same store there."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING

import cloudpickle
import pytest
from rememo import Cache, FreezeConfig

if TYPE_CHECKING:
    from pathlib import Path

    from python.tests.store.conftest import Project


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
def test_a_cache_is_reopened(project: Project, tmp_path: Path, dumps: object) -> None:
    """With its directory and all that was said of it."""
    freeze = FreezeConfig(by_version=["a"], ignore_attributes=["m.C.x"], dict_order=False)
    cache = Cache(tmp_path / "store", freeze=freeze, trust_owner=12345)
    assert callable(dumps)
    again = pickle.loads(dumps(cache))
    assert (again.path, again._access) == (cache.path, cache._access)
    assert again.freeze.__getnewargs_ex__() == freeze.__getnewargs_ex__()
    assert not cache.path.exists()
    done = project.run(f"""
        import m, pickle
        cache = pickle.loads({dumps(cache)!r})
        out = cache.memoize(m.double.__wrapped__)(3)
    """)
    assert (done.out, done.names) == (6, ["miss", "stored"])
    assert cache.path.exists()


def test_a_copy_of_a_temporary_cache_does_not_remove_it() -> None:
    """That is for the one that made it."""
    with Cache(temporary=True) as cache:
        double = cache.memoize(lambda x: x * 2)
        assert double(2) == 4
        with copy.copy(cache) as other:
            assert other.path == cache.path
        assert cache.path.exists()
        assert double.would_hit(2)
    assert not cache.path.exists()


def test_a_closed_cache_stays_closed(tmp_path: Path) -> None:
    """Wherever it goes."""
    cache = Cache(tmp_path)
    cache.close()
    with pytest.raises(RuntimeError, match="cannot be used"):
        pickle.loads(pickle.dumps(cache)).memoize(len_of)("a")


def len_of(text: str) -> int:
    """Counts."""
    return len(text)


SCRIPT = """
import cloudpickle
from rememo import Cache, FreezeConfig, memoize
factor = 3
class Box:
    def __init__(self, value): self.value = value
def helper(x): return Box(x * factor)
@memoize(ignore=["verbose"], version=2, freeze=FreezeConfig(dict_order=False))
def triple(x, verbose=False): return helper(x).value
@memoize
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def local():
    cache = Cache("elsewhere")
    @cache.memoize
    def add(x): return x + factor
    return add
add = local()
"""


RECEIVER = """
import cloudpickle, json, sys
from rememo import _core
triple, fib, add = cloudpickle.load(open(sys.argv[1], "rb"))
events = []
_core.subscribe(events.append)
out = triple(2), fib(10), add(4), triple(5), fib(11)
print(json.dumps([out, [event["event"] for event in events]]))
"""


def test_functions_without_a_name_are_written_out(project: Project) -> None:
    """Those of a script and local ones; what one process stored, the other is given."""
    sender = (
        SCRIPT
        + """
assert (triple(2, verbose=True), fib(10), add(4)) == (6, 55, 7)
with open("sent", "wb") as file:
    cloudpickle.dump([triple, fib, add], file)
"""
    )
    # A main module of the same name, as the workers of a pool have, but without the functions.
    (project.directory / "worker").mkdir()
    project.write(**{"script": sender, "worker/script": RECEIVER})
    done = project.run("""
        import subprocess
        subprocess.run([sys.executable, "-B", "script.py"], check=True)
        command = [sys.executable, "-B", "worker/script.py", "sent"]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
    """)
    results, happened = json.loads(done.out)
    assert results == [6, 55, 7, 15, 89]
    assert happened == ["hit"] * 3 + ["miss", "stored"] + ["miss", "hit", "hit", "stored"]


def test_functions_with_a_name_go_by_it(project: Project) -> None:
    """With cloudpickle, too."""
    done = project.run("""
        import cloudpickle, m, pickle
        out = [len(dumps(m.double)) < 100 and pickle.loads(dumps(m.double)) is m.double
               for dumps in (pickle.dumps, cloudpickle.dumps)]
    """)
    assert done.out == [True, True]


def test_workers_of_joblib_share_the_store(project: Project) -> None:
    """Functions of a script, which its workers cannot import."""
    project.write(
        script="""
        import joblib, json
        from rememo import memoize, _core
        @memoize
        def double(x): return x * 2
        if __name__ == "__main__":
            out = joblib.Parallel(2)(joblib.delayed(double)(x) for x in range(6))
            events = []
            _core.subscribe(events.append)
            assert out == [double(x) for x in range(6)] == [2 * x for x in range(6)]
            print(json.dumps([event["event"] for event in events]))
        """
    )
    done = project.run("""
        import subprocess
        out = subprocess.run([sys.executable, "-B", "script.py"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    """)
    assert done.out == '["hit", "hit", "hit", "hit", "hit", "hit"]\n'
