"""However a dictionary of names changes, a hit from memory sees it."""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo import Cache

pytestmark = pytest.mark.soundness

FUNCTION = "def f(x): return G + x\n"


class Holder:
    """Its instances have dictionaries whose values may lie in the instances themselves."""


def refill(names: dict[str, Any], value: int) -> None:
    before = dict(names)
    names.clear()
    names.update(before, G=value)


def in_a_thread(names: dict[str, Any], value: int) -> None:
    thread = threading.Thread(target=names.__setitem__, args=("G", value))
    thread.start()
    thread.join()


def taken_and_set(names: dict[str, Any], value: int) -> None:
    names.pop("G")
    names.setdefault("G", value)


CHANGES: dict[str, Callable[[dict[str, Any], int], object]] = {
    "item": lambda names, value: names.__setitem__("G", value),
    "update": lambda names, value: names.update(G=value),
    "union": lambda names, value: names.__ior__({"G": value}),
    "taken and set": taken_and_set,
    "cleared and filled": refill,
    "by code": lambda names, value: exec(f"global G\nG = {value}", names),
    "in another thread": in_a_thread,
    "many times": lambda names, value: [names.update(G=each) for each in range(value + 1)],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_name_is_seen_to_change(
    change: Callable[[dict[str, Any], int], object], rememo_cache: Cache
) -> None:
    """As often as it does."""
    names: dict[str, Any] = {"G": 1, "__name__": "names"}
    exec(FUNCTION, names)
    function = rememo_cache.memoize(names["f"])
    assert [function(1) for _ in range(3)] == [2] * 3
    for value in range(10, 16):
        change(names, value)
        assert [function(1) for _ in range(2)] == [value + 1] * 2


def test_an_attribute_of_an_instance_that_holds_globals_is_seen_to_change(
    rememo_cache: Cache,
) -> None:
    """By the ways that the interpreter has for what is set over and over."""
    holder: Any = Holder()
    holder.G = 1
    exec(FUNCTION, holder.__dict__)
    function = rememo_cache.memoize(holder.f)
    assert [function(1) for _ in range(3)] == [2] * 3
    for value in range(10, 80):
        holder.G = value
        assert function(1) == value + 1
    held = holder.__dict__
    holder.__dict__ = {"G": 100}
    assert function(1) == 80
    held["G"] = 200
    assert function(1) == 201


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_name_is_seen_to_change_after_a_fork(rememo_cache: Cache) -> None:
    """In the child, and in the child alone."""
    names: dict[str, Any] = {"G": 1, "__name__": "names"}
    exec(FUNCTION, names)
    function = rememo_cache.memoize(names["f"])
    assert [function(1) for _ in range(3)] == [2] * 3
    child = os.fork()
    if not child:
        try:
            found = []
            for value in (10, 20):
                names["G"] = value
                found.append(function(1))
        finally:
            os._exit(found != [11, 21])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert function(1) == 2


def test_a_dictionary_at_the_address_of_another_is_another(rememo_cache: Cache) -> None:
    """Functions, and the names that they use, come and go."""
    for value in range(300):
        names: dict[str, Any] = {"G": value, "__name__": "names"}
        exec(FUNCTION, names)
        function = rememo_cache.memoize(names["f"])
        assert [function(1) for _ in range(2)] == [value + 1] * 2
        names["G"] = -value
        assert function(1) == 1 - value


@pytest.mark.filterwarnings("ignore::rememo.ChangedDuringCallWarning")
def test_a_hit_is_never_older_than_the_names_it_was_asked_with(rememo_cache: Cache) -> None:
    """While another thread changes them all the time, now and then in the midst of a run."""
    names: dict[str, Any] = {"G": 0, "__name__": "names"}
    exec(FUNCTION, names)
    function = rememo_cache.memoize(names["f"])
    over = threading.Event()

    def count() -> None:
        for value in itertools.count(1):
            names["G"] = value
            if over.wait(0.001):
                return

    counter = threading.Thread(target=count)
    counter.start()
    try:
        for _ in range(20_000):
            earliest = names["G"]
            found = function(0)
            assert earliest <= found <= names["G"]
    finally:
        over.set()
        counter.join()
