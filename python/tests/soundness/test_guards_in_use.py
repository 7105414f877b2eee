"""Guards under threads, and what they keep alive."""

from __future__ import annotations

import dataclasses
import functools
import gc
import os
import sys
import threading
import time
import types
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from rememo import memoize

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo import Cache

pytestmark = pytest.mark.soundness

# For each kind of change; `make threads` takes longer.
SECONDS = float(os.environ.get("REMEMO_THREADS_SECONDS", "1.5"))
THREADS = 8

# name: (text of a module, how to make `f` return `v`)
CHANGING: dict[str, tuple[str, str]] = {
    "global": ("G = 0\n@memoize\ndef f(x): return G\n", "m.G = v"),
    "list": ("L = [0]\n@memoize\ndef f(x): return L[0]\n", "m.L[0] = v"),
    "list in a dict": ("D = {'a': [0]}\n@memoize\ndef f(x): return D['a'][0]\n", "m.D['a'][0] = v"),
    "dict": ("D = {'a': 0}\n@memoize\ndef f(x): return D['a']\n", "m.D['a'] = v"),
    "class": ("class C: a = 0\n@memoize\ndef f(x): return C.a\n", "m.C.a = v"),
    "instance": (
        "class C: pass\nc = C()\nc.a = 0\n@memoize\ndef f(x): return c.a\n",
        "m.c.a = v",
    ),
    "default": (
        "def g(a=0): return a\n@memoize\ndef f(x): return g()\n",
        "m.g.__defaults__ = (v,)",
    ),
    "code": (
        "def g(): return 0\n@memoize\ndef f(x): return g()\n",
        "m.g.__code__ = codes[v]",
    ),
    "module": ("G = 0\n@memoize\ndef f(x): return G\n", "exec(f'G = {v}', vars(m))"),
    "argument": (
        "L = [0]\n@memoize\ndef g(x): return x[0]\ndef f(x): return g(L)\n",
        "m.L[0] = v",
    ),
}


@pytest.mark.parametrize("name", CHANGING)
def test_threads_see_what_another_changes(name: str, rememo_cache: Cache) -> None:
    """A result is one that the function could have returned between call and return."""
    text, change = CHANGING[name]
    m = types.ModuleType("changing")
    exec("from rememo import memoize\n" + text, vars(m))
    codes = [compile(f"def g(): return {v}", "", "exec").co_consts[0] for v in range(20)]
    scope = {"m": m, "codes": codes}
    step = compile(change, "", "exec")
    history = [0, 0]
    done = threading.Event()
    wrong: list[object] = []
    calls = 0

    def call() -> None:
        nonlocal calls
        while not done.is_set():
            # The last value noted may not be in place yet.
            first = len(history) - 2
            result = m.f(1)
            calls += 1
            if result not in history[first:]:
                wrong.append((result, history[first:]))

    def edit() -> None:
        end = time.monotonic() + SECONDS
        value = 0
        while time.monotonic() < end:
            value = (value + 7) % 20
            history.append(value)
            exec(step, scope, {"v": value})
            time.sleep(0.002)
        done.set()

    sys.modules["changing"] = m
    try:
        with warnings.catch_warnings():
            # Some run while the value changes: their results are returned, and not stored.
            warnings.simplefilter("ignore")
            threads = [threading.Thread(target=call) for _ in range(THREADS)]
            threads.append(threading.Thread(target=edit))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        del sys.modules["changing"]
    assert not wrong
    assert calls > len(history)


class Owner:
    """Something that a test can see the end of."""

    def method(self) -> int:
        """Returns a number."""
        return 1


def alive(make: Callable[[], object]) -> bool:
    """Whether what `make` makes outlives the last use of it."""
    watched = weakref.ref(make())
    gc.collect()
    return watched() is not None


def test_instances_are_told_apart_in_memory(rememo_cache: Cache, rememo_events: Any) -> None:
    @dataclasses.dataclass
    class Point:
        x: int
        tags: list[str] = dataclasses.field(default_factory=list)

    class Slotted:
        __slots__ = ("a", "b")

    @memoize
    def f(value: object) -> str:
        named = getattr(value, "a", None)
        return f"{type(value).__name__} {getattr(value, 'x', named)} {getattr(value, 'tags', '')}"

    slotted, other = Slotted(), Slotted()
    slotted.a, other.b = 1, 1
    values = [Point(1), Point(2), Point(1, ["t"]), slotted, other, {"k": [Point(1)]}, [slotted]]
    for value in values * 3:
        assert f(value) == f.__wrapped__(value)
    point = values[0]
    point.tags.append("new")
    assert f(point) == f(point) == f.__wrapped__(point)
    assert f(Point(1, ["new"])) == f.__wrapped__(point)
    Point.__repr__ = lambda self: "changed"
    assert f(point) == f(point) == f.__wrapped__(point)
    hits = [event["tier"] for event in rememo_events if event["event"] == "hit"]
    assert hits == ["memory"] * len(hits)
    misses = [event for event in rememo_events if event["event"] == "miss"]
    assert len(misses) == len(values) + 2


def test_functions_are_let_go_of(rememo_cache: Cache) -> None:
    def make() -> object:
        owner = Owner()

        @memoize
        def f(x: int) -> int:
            return x + owner.method()

        for _ in range(5):
            assert f(1) == 2
        return owner

    assert not alive(make)


def test_a_function_that_refers_to_itself_is_let_go_of(rememo_cache: Cache) -> None:
    def make() -> object:
        module = types.ModuleType("circle")
        exec(
            "from rememo import memoize\n"
            "@memoize\ndef f(n): return n and f(n - 1)\n"
            "class C:\n    a = [f]\n"
            "@memoize\ndef g(n): return len(C.a)\n",
            vars(module),
        )
        for _ in range(3):
            assert (module.f(3), module.g(1)) == (0, 1)
        return module

    assert not alive(make)


def test_a_collection_while_a_function_is_decorated_meets_no_half_made_one(
    rememo_cache: Cache,
) -> None:
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        made = [memoize(lambda x: x) for _ in range(300)]
    finally:
        gc.set_threshold(*threshold)
    assert [f(1) for f in made[:3]] == [1, 1, 1]
    assert gc.isenabled()


def test_arguments_are_let_go_of(rememo_cache: Cache) -> None:
    @memoize
    def f(owner: Owner) -> int:
        return owner.method()

    def make() -> object:
        owner = Owner()
        for _ in range(5):
            assert f(owner) == 1
        return owner

    assert not alive(make)


def test_hits_leave_nothing_behind(rememo_cache: Cache) -> None:
    table: dict[str, Any] = {"a": [1, 2]}

    @memoize
    def f(x: object, *rest: int, **more: int) -> object:
        return [x, table["a"], rest, more]

    calls: list[Callable[[], object]] = [
        functools.partial(f, 1),
        functools.partial(f, [1, {"a": 2}]),
        functools.partial(f, 1, 2, 3, k=4),
    ]
    for call in calls * 3:
        call()
    gc.collect()
    before = sys.getallocatedblocks()
    # A million in all.
    for _ in range(333_334):
        for call in calls:
            call()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


def test_recursion_and_reentry_while_guards_are_looked_at(rememo_cache: Cache) -> None:
    """Looking at a value may run code of the user's, which may call the function again."""

    class Odd:
        def __getfrozenstate__(self) -> object:
            if busy:
                return "busy"
            busy.append(1)
            try:
                return f(0)
            finally:
                busy.pop()

    busy: list[int] = []
    odd = Odd()

    @memoize
    def f(x: int) -> int:
        return x if x == 0 else len([odd]) + f(0)

    for _ in range(5):
        assert (f(0), f(1)) == (0, 1)
