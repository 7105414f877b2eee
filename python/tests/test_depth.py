"""Recursion that the interpreter allows never ends the process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

if TYPE_CHECKING:
    from python.tests.conftest import Program

MODULE = """
import sys
from rememo import memoize

@memoize
def count(n):
    return 0 if n == 0 else count(n - 1) + 1

@memoize
def nested(n):
    value = None
    for _ in range(n):
        value = [value]
    return value

@memoize
def shrug(value):
    return 1

def depth_of(value):
    depth = 0
    while value is not None:
        value, depth = value[0], depth + 1
    return depth
"""


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 14), reason="calls in C have a limit of their own there"
)
def test_a_recursion_as_deep_as_the_program_allows_works(program: Program) -> None:
    """Three thousand levels take more stack than a process has to begin with."""
    program.write(m=MODULE)
    code = "import m, sys; sys.setrecursionlimit(20_000); out = m.count(3000)"
    out, events = program.run(code)
    assert out == 3000
    assert events.count("stored") == 3001
    assert program.run(code) == (3000, ["hit"])


def test_a_recursion_deeper_than_the_stack_never_ends_the_process(program: Program) -> None:
    """It works, or is an error."""
    program.write(m=MODULE)
    out, _ = program.run(
        """
        import m, sys
        sys.setrecursionlimit(20_000)
        try:
            out = m.count(5000)
        except RecursionError:
            out = 5000
        """,
        REMEMO_DISABLE="1",  # the same way, without 5,000 keys on it
    )
    assert out == 5000


def test_a_recursion_in_a_thread_with_a_small_stack_works(program: Program) -> None:
    """Its stack is not what limits it either."""
    program.write(m=MODULE)
    out, _ = program.run("""
        import m, sys, threading
        sys.setrecursionlimit(20_000)
        threading.stack_size(256 * 1024)
        results = []
        thread = threading.Thread(target=lambda: results.append(m.count(500)))
        thread.start()
        thread.join()
        out = results
    """)
    assert out == [500]


def test_a_recursion_without_end_is_an_error(program: Program) -> None:
    """With the interpreter's limit as it is, or out of the way."""
    program.write(m=MODULE)
    for limit in (1000, 10_000_000):
        out, _ = program.run(
            f"""
            import m, sys
            sys.setrecursionlimit({limit})
            try:
                out = m.count(-1)
            except RecursionError as error:
                out = str(error) != ""
            """,
            REMEMO_DISABLE="1",  # the same way, without 100,000 keys on it
        )
        assert out is True


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 14), reason="pickling has a limit of its own there"
)
def test_a_result_nested_as_deep_as_the_program_allows_is_stored(program: Program) -> None:
    """Pickling it takes more stack than a process has to begin with."""
    program.write(m=MODULE)
    code = """
    import m, sys
    sys.setrecursionlimit(10_000_000)
    out = m.depth_of(m.nested(60_000))
    """
    assert program.run(code) == (60_000, ["miss", "stored"])
    assert program.run(code) == (60_000, ["hit"])


def test_values_nested_beyond_all_limits_are_no_danger() -> None:
    """Neither as an argument nor as a result."""
    with Cache(temporary=True) as cache:

        @cache.memoize
        def wrap(value: object) -> object:
            return [value]

        value: object = None
        for _ in range(200_000):
            value = (value,)
        with pytest.warns(UserWarning, match="not stored"):
            result = wrap(value)
        assert isinstance(result, list)
