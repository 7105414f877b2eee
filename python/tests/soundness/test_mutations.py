"""Functions that change what they are given, or what they read: each call leaves it as a call of the
plain function would. As a hit could not do that, such a result is not kept, and a warning says so."""

from __future__ import annotations

import collections
import copy
import pickle
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import rememo
from rememo import ChangedDuringCallWarning, Ignore, memoize

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.soundness, pytest.mark.usefixtures("rememo_cache")]
Events = list[dict[str, Any]]


class Counter:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0
        self.seen: list[int] = []


class Slotted:
    """Counts, without a dict."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


def grow(frame: pd.DataFrame) -> None:
    """Adds a column."""
    frame["b"] = frame["a"] + 1


Mutation = tuple["Callable[[], Any]", "Callable[[Any], object]"]
# What is made, and how it is changed in its place.
CHANGES: dict[str, Mutation] = {
    "list: append": (lambda: [2, 1], lambda xs: xs.append(3)),
    "list: sort": (lambda: [2, 1], lambda xs: xs.sort()),
    "list: an item": (lambda: [2, 1], lambda xs: xs.__setitem__(0, 5)),
    "list: emptied": (lambda: [2, 1], lambda xs: xs.clear()),
    "list within a list": (lambda: [[1], [2]], lambda xs: xs[1].append(3)),
    "list within a tuple": (lambda: ([1], 2), lambda xs: xs[0].append(3)),
    "dict: a key": (lambda: {"a": 1}, lambda d: d.update(b=2)),
    "dict: popped": (lambda: {"a": 1, "b": 2}, lambda d: d.pop("a", None)),
    "dict: the order": (lambda: {"a": 1, "b": 2}, lambda d: d.update(a=d.pop("a"))),
    "dict within": (lambda: {"a": {"b": []}}, lambda d: d["a"]["b"].append(1)),
    "defaultdict: by looking": (lambda: collections.defaultdict(list), lambda d: d["a"]),
    "set": (lambda: {1}, lambda s: s.add(2)),
    "deque": (lambda: collections.deque([1]), lambda d: d.appendleft(2)),
    "bytearray": (lambda: bytearray(b"x"), lambda b: b.extend(b"y")),
    "array": (lambda: np.zeros(3), lambda a: a.__setitem__(0, 1)),
    "array: a large one": (lambda: np.zeros(100_000), lambda a: a.sort() or a.fill(2)),
    "array: by a view": (lambda: np.zeros(3), lambda a: a[1:].fill(1)),
    "array: the shape": (lambda: np.zeros(4), lambda a: a.resize((2, 2), refcheck=False)),
    "DataFrame: a column": (lambda: pd.DataFrame({"a": [1]}), grow),
    "DataFrame: in place": (
        lambda: pd.DataFrame({"a": [2, 1]}),
        lambda f: f.insert(0, len(f.columns), 1),
    ),
    "Series: an item": (lambda: pd.Series([1, 2]), lambda s: s.__setitem__(0, 5)),
    "instance: an attribute": (Counter, lambda c: setattr(c, "count", 1)),
    "instance: what it holds": (Counter, lambda c: c.seen.append(1)),
    "instance: a new attribute": (Counter, lambda c: setattr(c, "more", 1)),
    "instance: a slot": (Slotted, lambda c: setattr(c, "count", 1)),
}


def told(call: Callable[[], object]) -> list[type[Warning]]:
    """What is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [one.category for one in caught if issubclass(one.category, rememo.RememoWarning)]


def state(value: Any) -> bytes:
    """All of a value."""
    return pickle.dumps(value)


@pytest.mark.parametrize("name", CHANGES)
def test_an_argument_that_is_changed_keeps_the_result_out(name: str, rememo_events: Events) -> None:
    """Every call changes it, the very object, and one warning says that it is not kept."""
    make, change = CHANGES[name]

    @memoize
    def f(value: Any) -> int:
        change(value)
        return 1

    plain, memoized = make(), make()
    f.__wrapped__(plain)
    assert told(lambda: f(memoized)) == [ChangedDuringCallWarning]
    assert state(memoized) == state(plain)
    for _ in range(2):
        again, expected = make(), make()
        f.__wrapped__(expected)
        assert told(lambda value=again: f(value)) == []
        assert state(again) == state(expected)
    assert [event["event"] for event in rememo_events] == ["miss", "not_stored"] * 3
    details = [event["detail"] for event in rememo_events if "detail" in event]
    assert [detail.partition(",")[0] for detail in details] == ["argument value"] * 3


@pytest.mark.parametrize("name", CHANGES)
def test_a_global_that_is_changed_keeps_the_result_out(name: str, rememo_events: Events) -> None:
    make, change = CHANGES[name]
    module: Any = types.ModuleType("mutations_probe")
    module.value, module.change, module.memoize = make(), change, memoize
    exec("@memoize\ndef f():\n    change(value)\n    return 1\n", vars(module))
    plain = make()
    for _ in range(3):
        change(plain)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module.f()
        assert state(module.value) == state(plain)
        if [event["event"] for event in rememo_events] != ["miss", "not_stored"]:
            # What changes nothing any more is kept.
            before = state(plain)
            change(plain)
            assert state(plain) == before
        del rememo_events[:]


@pytest.mark.parametrize(
    "body",
    [
        "global total; total += n; return n",
        "global total; total = n; return n",
        "global made; made = n; return n",
        "global total; del total; return n",
        "globals()['made'] = n; return n",
        "f.attribute = n; return n",
        "Kept.total += n; return n",
    ],
)
def test_a_global_that_is_assigned_is_assigned_by_each_call(
    body: str, rememo_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the function reads it or not."""
    text = "class Kept: total = 0\ntotal = 0\ndef f(n):\n    " + body + "\n"
    plain: dict[str, Any] = {"__name__": "plain_globals"}
    memoized: dict[str, Any] = {"__name__": "memoized_globals"}
    for names in (plain, memoized):
        module = types.ModuleType(names["__name__"])
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(text, vars(module))
    plain, memoized = (vars(sys.modules[names["__name__"]]) for names in (plain, memoized))
    function = memoized["f"]
    wrapped = memoize(function)

    def left(names: dict[str, Any], function: Any) -> object:
        kept = names["Kept"].total, names.get("total"), names.get("made")
        return *kept, getattr(function, "attribute", None)

    for n in (3, 4, 3):
        outcomes = []
        for names, call in ((plain, plain["f"]), (memoized, wrapped)):
            names["total"] = names.get("total", 0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes.append(call(n))
        assert outcomes == [n, n]
        assert left(memoized, function) == left(plain, plain["f"]), (body, n, rememo_events)


@pytest.mark.parametrize("change", ["x = n", "x += n", "del x"])
def test_a_variable_of_an_outer_function_is_assigned_by_each_call(change: str) -> None:
    text = f"""
def made():
    x = 0
    def f(n):
        nonlocal x
        {change}
        return n
    def left():
        try: return x
        except NameError: return None
    def reset():
        nonlocal x
        x = 0
    return f, left, reset
"""
    names: dict[str, Any] = {"__name__": "nonlocals"}
    exec(text, names)
    (plain, plain_left, plain_reset), (f, left, reset) = names["made"](), names["made"]()
    memoized = memoize(f)
    for n in (3, 4, 3, 3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert memoized(n) == plain(n)
        assert left() == plain_left()
        if change == "del x":
            reset()
            plain_reset()


def test_a_copy_that_is_changed_is_none_of_that(rememo_events: Events) -> None:
    @memoize
    def f(values: list[int]) -> list[int]:
        mine = copy.copy(values)
        mine.append(1)
        return mine

    assert (f([1]), f([1])) == ([1, 1], [1, 1])
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit"]


def test_what_is_put_back_is_none_of_that(rememo_events: Events) -> None:
    @memoize
    def f(values: list[int]) -> int:
        values.append(1)
        return values.pop()

    assert (f([1]), f([1])) == (1, 1)
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit"]


def test_an_argument_that_does_not_count_may_be_changed() -> None:
    """A hit leaves that out: it is what not to count means."""

    @memoize
    def f(values: list[int]) -> int:
        values.append(1)
        return 1

    values: list[int] = []
    f(Ignore(values))
    f(Ignore(values))
    assert values == [1]
