"""Policies of one's own: what they name goes, and whatever they do, the bound is kept."""

from __future__ import annotations

import os
import pickle
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, PolicyWarning
from rememo.eviction import EvictionPolicy, Worth, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST = 1 << 20


class Ordered(EvictionPolicy):
    """Lets go of what was added or used last, or first."""

    def __init__(self, *, last: bool) -> None:
        self.last = last
        self.keys: dict[str, Worth] = {}
        self.told: list[tuple[str, str]] = []

    def add(self, key: str, worth: Worth) -> None:
        self.told.append(("add", key))
        self.keys[key] = worth

    def access(self, key: str, worth: Worth) -> None:
        self.told.append(("access", key))
        del self.keys[key]
        self.keys[key] = worth

    def invalidate(self, key: str, worth: Worth) -> None:
        self.told.append(("invalidate", key))
        del self.keys[key]

    def evict(self) -> str | None:
        if not self.keys:
            return None
        key = list(self.keys)[-1 if self.last else 0]
        del self.keys[key]
        return key


class First(Ordered):
    """Keeps its promises."""

    def __init__(self) -> None:
        super().__init__(last=False)


def squares(n: int) -> list[int]:
    return [i * i for i in range(n)]


def cached(path: Path, policy: EvictionPolicy, **options: Any) -> Cache:
    """A cache with room for some results of `squares`, each stored before its call returns."""
    return Cache(path, max_size=MOST, policy=policy, flush_every=0, **options)


CALLS = range(10_000, 10_060)


def test_what_a_policy_names_goes(tmp_path: Path) -> None:
    kept: dict[bool, list[bool]] = {}
    for last in (False, True):
        with cached(tmp_path / str(last), Ordered(last=last)) as cache:
            f = cache.memoize(squares)
            for n in CALLS:
                f(n)
            kept[last] = [f.would_hit(n) for n in CALLS]
            assert cache.usage().size <= MOST
    newest, oldest = kept[False], kept[True]
    at = newest.index(True)
    assert at > 30
    assert all(newest[at:]), "those that were stored last, without a gap"
    at = oldest.index(False)
    assert at > 5
    assert not any(oldest[at:-2]), "those that were stored first"


def test_it_is_told_of_what_was_there_used_and_removed(tmp_path: Path) -> None:
    with Cache(tmp_path) as before:
        before.memoize(squares)(1)
    policy = First()
    with cached(tmp_path, policy) as cache:
        f = cache.memoize(squares)
        f(2)
        assert cache.reduce(MOST) == 0
        first, second = (key for what, key in policy.told)
        assert policy.told == [("add", first), ("add", second)]
        f(1)
        f.clear_entry(2)
        cache.reduce(MOST)
        assert policy.told[2:] == [("invalidate", second), ("access", first)]
        assert policy.keys[first].uses == 2
        assert policy.keys[first].function == "python.tests.store.test_policies.squares"


def test_reducing_asks_it_first(tmp_path: Path) -> None:
    with cached(tmp_path, Ordered(last=True)) as cache:
        f = cache.memoize(squares)
        for n in (10_000, 10_001, 10_002):
            f(n)
        assert cache.reduce(cache.usage().size - 1) == 1
        assert [f.would_hit(n) for n in (10_000, 10_001, 10_002)] == [True, True, False]


def test_what_is_pinned_is_not_there_to_be_chosen(tmp_path: Path) -> None:
    policy = First()
    with cached(tmp_path, policy) as cache:
        cache.memoize(squares, pinned=True)(1)
        cache.reduce(MOST)
        assert not policy.told


def raising(self: EvictionPolicy) -> str | None:
    raise ArithmeticError("no idea")


def inventing(self: EvictionPolicy) -> str | None:
    return "0" * 64


def refusing(self: EvictionPolicy) -> str | None:
    return None


def no_text(self: EvictionPolicy) -> Any:
    return 7


@pytest.mark.parametrize(
    ("evict", "says"),
    [
        (raising, "raised ArithmeticError"),
        (inventing, "chose '0000.*which is not there"),
        (no_text, "chose 7, which is not there"),
        (refusing, None),
    ],
)
def test_whatever_it_does_the_bound_is_kept(
    evict: Callable[[EvictionPolicy], Any], says: str | None, tmp_path: Path
) -> None:
    policy = type("Bad", (First,), {"evict": evict})()
    with cached(tmp_path, policy) as cache, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f = cache.memoize(squares)
        for n in CALLS:
            assert f(n) == squares(n)
            assert cache.usage().size <= MOST
    told = [str(w.message) for w in caught if w.category is PolicyWarning]
    assert len(told) == (says is not None)
    if says:
        with pytest.warns(PolicyWarning, match=says):
            warnings.warn(told[0], PolicyWarning, stacklevel=1)


def test_one_that_never_answers_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rememo.eviction.PATIENCE", 0.05)
    answer = threading.Event()

    def evict(self: EvictionPolicy) -> str | None:
        answer.wait()
        return None

    policy = type("Slow", (First,), {"evict": evict})()
    with cached(tmp_path, policy) as cache:
        f = cache.memoize(squares)
        with pytest.warns(PolicyWarning, match="takes longer"):
            results = [f(n) for n in CALLS]
        assert results == [squares(n) for n in CALLS]
        assert cache.usage().size <= MOST
        asked = [thread for thread in threading.enumerate() if thread.name == "rememo-policy"]
        assert len(asked) == 1, "it is not asked again before it has answered"
        answer.set()
        asked[0].join()


def test_a_policy_may_use_the_cache(tmp_path: Path) -> None:
    class Curious(First):
        def evict(self) -> str | None:
            helper(len(self.keys))
            return super().evict()

    with cached(tmp_path, Curious()) as cache:
        helper = cache.memoize(lambda n: [n] * 100)
        f = cache.memoize(squares)
        for n in CALLS:
            assert f(n) == squares(n)
        assert f.would_hit(CALLS[-1])
        assert cache.usage().size <= MOST


def test_results_under_way_from_many_threads(tmp_path: Path) -> None:
    with Cache(tmp_path, max_size=MOST, policy=First()) as cache:
        f = cache.memoize(squares)

        def work(first: int) -> None:
            for n in range(first, first + 40):
                assert f(n) == squares(n)

        threads = [threading.Thread(target=work, args=(1000 * at,)) for at in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cache.commit()
        assert cache.usage().size <= MOST


def test_a_copy_of_the_cache_goes_by_the_directory(tmp_path: Path) -> None:
    class Unpicklable(First):
        def __reduce__(self) -> Any:
            raise TypeError("not to be sent")

    with cached(tmp_path, Unpicklable()) as cache:
        copy = pickle.loads(pickle.dumps(cache))
        assert copy.memoize(squares)(3) == [0, 1, 4]
        assert copy.usage().policy == "gdsf"
        copy.close()


def test_a_forked_child_asks_it_too(tmp_path: Path) -> None:
    with cached(tmp_path, First()) as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        f = cache.memoize(squares)
        for n in CALLS[:30]:
            f(n)
        child = os.fork()
        if not child:
            for n in CALLS[30:]:
                f(n)
            os._exit(not (f.would_hit(CALLS[-1]) and cache.usage().size <= MOST))
        assert os.waitpid(child, 0)[1] == 0


def test_a_closed_cache_asks_no_more(tmp_path: Path) -> None:
    policy = First()
    cached(tmp_path, policy).close()
    with cached(tmp_path, policy) as cache:
        cache.memoize(squares)(1)
    told = len(policy.told)
    with Cache(tmp_path, flush_every=0) as other:
        f = other.memoize(squares)
        for n in CALLS:
            f(n)
    assert len(policy.told) == told


@pytest.mark.parametrize("policy", [object(), First, 7])
def test_what_is_no_policy_is_refused(policy: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="policy must be the name of one or a rememo"):
        Cache(tmp_path, policy=policy)


class Forgetful(First):
    """Chooses the same for ever."""

    def evict(self) -> str | None:
        return next(iter(self.keys), None)


class Stubborn(First):
    """Does not hear of what was removed."""

    def invalidate(self, key: str, worth: Worth) -> None:
        pass


class Contrary(First):
    """Lets go first of what is used."""

    def access(self, key: str, worth: Worth) -> None:
        self.keys = {key: worth, **self.keys}


@pytest.mark.parametrize(
    ("policy", "broken"),
    [
        (Forgetful, "each goes once"),
        (Stubborn, "what was removed is not chosen any more"),
        (Contrary, "what is used outlives what is not"),
    ],
)
def test_the_check_finds_what_is_wrong(policy: type[EvictionPolicy], broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        check(policy)


def test_the_check_passes_what_is_right() -> None:
    check(First)


def test_it_is_told_of_each_result_once(tmp_path: Path) -> None:
    told = 0

    class Counted(First):
        def add(self, key: str, worth: Worth) -> None:
            nonlocal told
            told += 1
            super().add(key, worth)

    with cached(tmp_path, Counted()) as cache:
        f = cache.memoize(squares)
        for n in range(1000, 1300):
            f(n)
        stored = cache.usage().entries
    assert stored < 300
    assert told <= 300
