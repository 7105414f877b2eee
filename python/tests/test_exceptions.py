"""Exceptions that are kept as results are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rememo import memoize

if TYPE_CHECKING:
    from conftest import Program

MODULE = """
from rememo import Cache
cache = Cache("cache")

class Refused(ValueError):
    def __init__(self, what):
        super().__init__(what)
        self.code = 7

@cache.memoize(cache_exceptions=(Refused, KeyError))
def ask(x):
    if x == 0:
        raise Refused("nought")
    if x < 0:
        raise TypeError("negative")
    return {}[x] if x > 9 else x

def tell(x):
    try:
        return ask(x)
    except Exception as error:
        return type(error).__name__, error.args, getattr(error, "code", None), bool(
            error.__traceback__
        )
"""


def test_exceptions_are_raised_by_hits(program: Program) -> None:
    """From the directory and from memory, those that were named, and no others."""
    program.write(m=MODULE)
    refused, missing = ["Refused", ["nought"], 7, True], ["KeyError", [10], None, True]
    code = "import m; out = [m.tell(0), m.tell(0), m.tell(10), m.tell(1)]"
    ran = ["miss", "stored"]
    assert program.run(code) == ([refused, refused, missing, 1], [*ran, "hit", *ran, *ran])
    assert program.run(code) == ([refused, refused, missing, 1], ["hit"] * 4)
    code = "import m; out = [m.tell(-1), m.tell(-1), m.ask.would_hit(0), m.ask.would_hit(-1)]"
    other = ["TypeError", ["negative"], None, True]
    assert program.run(code) == ([other, other, True, False], ["miss", "miss"])
    code = """
        import m
        try:
            m.ask.call_if_cached(0)
        except m.Refused as error:
            out = error.code
    """
    assert program.run(code) == (7, ["hit"])


def test_who_does_not_keep_exceptions_finds_none(program: Program) -> None:
    """They do not come from what somebody else said."""
    program.write(m=MODULE)
    program.run("import m; out = m.tell(0)")
    program.write(m=MODULE.replace("(cache_exceptions=(Refused, KeyError))", ""))
    out, events = program.run("import m; out = [m.tell(0), m.tell(0)]")
    assert out == [["Refused", ["nought"], 7, True]] * 2
    assert events == ["miss", "miss"]


def test_each_raise_is_of_an_exception_of_its_own(program: Program) -> None:
    """So that no traceback grows, and nobody's changes show; the first has that of the run.

    In a process of its own, for dask has all tracebacks pickled once it is imported.
    """
    program.write(m=MODULE)
    code = """
        import m, traceback
        raised = []
        for _ in range(3):
            try:
                m.ask(0)
            except m.Refused as error:
                raised.append(error)
                told = error.args
                error.args = ("changed",)
        frames = [len(traceback.extract_tb(error.__traceback__)) for error in raised]
        out = [told, len({id(error) for error in raised}), frames]
    """
    assert program.run(code) == ([["nought"], 3, [2, 1, 1]], ["miss", "stored", "hit", "hit"])


ODD = """
from rememo import Cache
cache = Cache("cache")

class OddError(Exception):
    # Pickles, and does not load, for it tells less than it was told.
    def __init__(self, one, two):
        super().__init__(one + two)

@cache.memoize(cache_exceptions=OddError)
def odd(x):
    raise OddError(x, x)
"""


def test_an_exception_that_does_not_load_is_not_kept(program: Program) -> None:
    """It is raised, and a warning says why it was not stored."""
    program.write(m=ODD)
    code = """
        import m, warnings
        out = []
        for _ in range(2):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    m.odd(1)
                except m.OddError as error:
                    out.append(error.args)
            out.append(["does not load" in str(warning.message) for warning in caught])
        out.append(m.cache.usage().entries)
    """
    assert program.run(code) == ([[2], [True], [2], [], 0], ["miss", "not_stored"] * 2)


@pytest.mark.parametrize("kinds", [5, (5,), "ValueError", BaseException, KeyboardInterrupt, int])
def test_what_is_no_exception_is_refused(kinds: Any) -> None:
    """What ends a program is never kept."""
    with pytest.raises(TypeError, match="must be classes of exceptions"):
        memoize(lambda: None, cache_exceptions=kinds)
    memoize(lambda: None, cache_exceptions=())
