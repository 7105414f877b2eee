"""What cannot be cached: the call runs all the same, and one warning says why."""

from __future__ import annotations

import collections
import socket
import threading
import warnings
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from rememo import (
    RememoWarning,
    StoreWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    memoize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rememo import Cache

    from conftest import Program

LOCK = Lock()


@dataclass
class Box:
    """Holds something."""

    inside: object


class Slotted:
    """Holds something, without a dict; the other slot stays empty."""

    __slots__ = ("empty", "inside")

    def __init__(self, inside: object) -> None:
        self.inside = inside


class Stubborn:
    """Refuses to be pickled."""

    def __reduce__(self) -> str:
        raise RuntimeError("no way")


def around_itself() -> list[object]:
    """A list that holds itself and what cannot be pickled."""
    ring: list[object] = []
    ring.extend([ring, Lock()])
    return ring


def of_a_local_class() -> object:
    """An instance of a class that no module holds."""

    class Local:
        pass

    return Local()


UNPICKLABLE: dict[str, tuple[Callable[[], object], str]] = {
    "itself": (lambda: Lock(), "result is a _thread.lock,"),
    "a function": (lambda: lambda: 1, "result is a function,"),
    "in containers": (lambda: {"a": [1, (2, Lock())]}, r"result['a'][1][1] is a _thread.lock,"),
    "in a set": (lambda: {Lock()}, "result element is a _thread.lock,"),
    "in a queue": (lambda: collections.deque([1, Lock()]), "result[1] is a _thread.lock,"),
    "in attributes": (lambda: Box([Box(Lock())]), "result.inside[0].inside is a _thread.lock,"),
    "in a slot": (lambda: Slotted(Lock()), "result.inside is a _thread.lock,"),
    "in an exception": (lambda: ValueError(Lock()), "result holds a _thread.lock,"),
    "in an array": (lambda: np.array([Lock()]), "result holds a _thread.lock,"),
    "in a frame": (lambda: pd.DataFrame({"a": [Lock()]}), "holds a _thread.lock,"),
    "beside itself": (around_itself, "result[1] is a _thread.lock,"),
    "of a local class": (of_a_local_class, ".Local, which cannot be pickled"),
    "by its own will": (lambda: [Stubborn()], ".Stubborn, which cannot be pickled (no way)"),
}


@pytest.mark.parametrize("name", UNPICKLABLE)
def test_an_unpicklable_result_is_returned_and_named(rememo_cache: Cache, name: str) -> None:
    """Every time, but warned of once: by its type, and where in the result it is."""
    make, expected = UNPICKLABLE[name]

    @memoize
    def result() -> object:
        return make()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        kinds = [type(made).__qualname__ for made in (result(), result(), make())]
    assert len(set(kinds)) == 1
    assert [warning.category for warning in told] == [UnpicklableResultWarning]
    assert expected in str(told[0].message)
    assert told[0].filename == __file__
    assert result.cache_info().entries == 0


def numbers() -> Iterator[int]:
    """A generator."""
    yield from [1, 2]


ITERATORS: dict[str, Callable[[], Iterator[int]]] = {
    "generator": numbers,
    "list_iterator": lambda: iter([1, 2]),
    "map": lambda: map(int, "12"),
    "zip": lambda: (pair[0] for pair in zip([1, 2])),
}


@pytest.mark.parametrize("name", ITERATORS)
def test_an_iterator_is_not_used_up_by_looking_at_it(rememo_cache: Cache, name: str) -> None:
    """Neither by the call's key nor by a question about the call."""

    @memoize
    def total(items: Iterator[int]) -> int:
        return sum(items)

    items = ITERATORS[name]()
    assert not total.would_hit(items)
    assert "an iterator" in total.explain(items).reason
    with pytest.warns(UnfreezableWarning, match="argument 'items'"):
        assert total(items) == 3


def test_what_has_no_fingerprint_is_named_with_its_place(
    rememo_cache: Cache, tmp_path: Path
) -> None:
    """The argument and the object inside it; and what can be done."""

    @memoize
    def kind(thing: object) -> str:
        return type(thing).__name__

    with (tmp_path / "notes").open("w") as file, socket.socket() as sock:
        for thing, place in (
            (file, "argument 'thing': _io.TextIOWrapper"),
            (sock, "argument 'thing': socket.socket"),
            (LOCK, "argument 'thing': _thread.lock"),
            ({"a": [Box(sock)]}, "argument 'thing'['a'][0].inside: socket.socket"),
        ):
            assert place in kind.explain(thing).reason
        with pytest.warns(UnfreezableWarning, match=r"\.inside: .* rememo\.Ignore"):
            assert kind(Box(file)) == "Box"
    assert kind.cache_info().entries == 0


def uses_lock(x: int) -> int:
    """A helper of what is memoized below."""
    with LOCK:
        return x


def test_a_global_without_fingerprint_is_named_with_the_way_to_it(rememo_cache: Cache) -> None:
    """Function by function."""

    @memoize
    def outer(x: int) -> int:
        return uses_lock(x)

    way = r"outer -> .*uses_lock -> global .*LOCK: _thread\.lock .* rememo\.code_version"
    with pytest.warns(UnfreezableWarning, match=way):
        assert outer(1) == 1


def test_threads_that_meet_the_same_trouble_warn_once(rememo_cache: Cache) -> None:
    """Whoever comes first."""
    start = threading.Barrier(8)

    @memoize
    def same(thing: object) -> object:
        return thing

    def call() -> None:
        start.wait()
        same(LOCK)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [warning.category for warning in told] == [UnfreezableWarning]


TROUBLED = {
    "an argument": "f(iter([1]))",
    "the result": "f(lambda: 1)",
    "the store": "f(1)",
    "the project's setting": "f(1)",
}


@pytest.mark.parametrize("trouble", TROUBLED)
def test_warnings_that_are_errors_do_not_stop_a_call(program: Program, trouble: str) -> None:
    """They are reported as what a listener raised."""
    program.write(m="from rememo import memoize\n@memoize\ndef f(x): return 1, x\n")
    if trouble == "the project's setting":
        (program.directory / "pyproject.toml").write_text("[tool.rememo]\ndir = 3\n")
    elif trouble == "the store":
        (program.directory / ".rememo").write_text("not a directory")
    out, events = program.run(f"""
        import sys, warnings
        caught = []
        sys.unraisablehook = lambda raised: caught.append(raised.exc_type.__mro__)
        warnings.simplefilter("error")
        from m import f
        from rememo import RememoWarning
        first = {TROUBLED[trouble]}[0]
        out = first, [RememoWarning in kinds for kinds in caught]
    """)
    assert out == [1, [True]], events


def test_a_warning_points_at_the_users_line(rememo_cache: Cache, tmp_path: Path) -> None:
    """Even where the trouble is met deep inside the package."""
    from rememo import Cache

    (tmp_path / "file").write_text("not a directory")

    @memoize(cache=Cache(tmp_path / "file"))
    def one() -> int:
        return 1

    with pytest.warns(StoreWarning) as told:
        assert one() == 1
    assert [warning.filename for warning in told] == [__file__]
    assert issubclass(told[0].category, RememoWarning)
