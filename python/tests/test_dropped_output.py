"""What a function prints is not printed on a hit: its user hears of that once, unless it is asked
for or said not to matter."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from rememo import DroppedOutputWarning, Ignore, RememoWarning, memoize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rememo import Cache

    from conftest import Program

pytestmark = pytest.mark.usefixtures("rememo_cache")


def told(call: Callable[[], object]) -> list[str]:
    """What is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(one.message) for one in caught if issubclass(one.category, RememoWarning)]


PRINTS: dict[str, tuple[Callable[[], object], str]] = {
    "print": (lambda: print("x"), "stdout"),
    "print to a stream": (lambda: print("x", file=sys.stderr), "stderr"),
    "print to a stream that is standard output": (lambda: print("x", file=sys.stdout), "stdout"),
    "write": (lambda: sys.stdout.write("x"), "stdout"),
    "writelines": (lambda: sys.stderr.writelines(["x", "y"]), "stderr"),
    "bytes": (lambda: sys.stdout.buffer.write(b"x"), "stdout"),
    "by its number": (lambda: os.write(2, b"x"), "stderr"),
    "a library": (lambda: help(""), "stdout"),
}


@pytest.mark.parametrize("how", PRINTS)
@pytest.mark.filterwarnings("ignore::rememo.RememoWarning")
def test_what_is_printed_and_not_done_again_is_told_of(
    how: str, rememo_events: list[dict[str, Any]]
) -> None:
    """By an event for each result that is stored."""
    does, stream = PRINTS[how]

    @memoize
    def f() -> int:
        does()
        return 1

    assert (f(), f()) == (1, 1)
    own = [e for e in rememo_events if e["function"].endswith(".f")]
    assert [e["event"] for e in own] == ["miss", "stored", "caution", "hit"]
    assert own[2]["kind"] == stream
    assert own[2]["detail"].startswith(f"writes to sys.{stream} ({__file__}:")


def test_it_is_said_once_with_the_line_and_what_to_do() -> None:
    @memoize
    def f(n: int) -> int:
        print("working", file=sys.stderr)
        print("working")
        return n

    with pytest.warns(DroppedOutputWarning) as warned:
        f(1)
    assert len(warned) == 1
    text = str(warned[0].message)
    assert "f writes to sys.stdout (" in text or "f writes to sys.stderr (" in text
    assert 'effects=["std' in text
    assert 'allow=["output"]' in text
    assert told(lambda: f(2)) == []


def quiet() -> object:
    """Prints nothing."""
    return len("x")


def caught() -> object:
    """Prints where nobody else sees it."""
    with contextlib.redirect_stdout(io.StringIO()) as kept:
        print("x")
    return kept.getvalue()


def written_elsewhere() -> object:
    """Writes to other streams."""
    print("x", file=io.StringIO())
    with open(os.devnull, "w") as one, open(os.devnull, "wb") as other:  # noqa: PTH123
        one.write("x")
        other.write(b"x")
    return 1


def logged() -> object:
    """Logs and warns, which have channels of their own."""
    logging.getLogger("dropped").error("x")
    warnings.warn("x", DeprecationWarning, stacklevel=1)
    return 1


SILENT: dict[str, tuple[Callable[[], object], dict[str, Any]]] = {
    "nothing": (quiet, {}),
    "what it catches": (caught, {}),
    "other streams": (written_elsewhere, {}),
    "logs and warnings": (logged, {}),
    "what is done again": (lambda: print("x"), {"effects": ["stdout"]}),
    "what is allowed": (lambda: print("x"), {"allow": ["output"]}),
    "what is assumed to be pure": (lambda: print("x"), {"assume_pure": True}),
    "what is not watched": (lambda: print("x"), {"watch": "off"}),
}


@pytest.mark.parametrize("how", SILENT)
def test_what_is_not_left_out_or_does_not_matter_is_not_told_of(how: str) -> None:
    does, options = SILENT[how]

    def f() -> int:
        does()
        return 1

    logging.getLogger("dropped").addHandler(logging.StreamHandler())
    memoized = memoize(f, **options)
    assert told(memoized) == []
    assert memoized.would_hit()
    logging.getLogger("dropped").handlers.clear()


def test_only_one_of_two_streams_is_asked_for() -> None:
    @memoize(effects=["stdout"])
    def f() -> None:
        print("x")
        print("x", file=sys.stderr)

    with pytest.warns(DroppedOutputWarning, match=r"sys\.stderr .*effects=\[\"stderr\"\]"):
        f()


def test_what_is_not_stored_is_not_told_of() -> None:
    """It is printed each time."""

    @memoize
    def f() -> object:
        print("x")
        return lambda: 1

    assert [text for text in told(f) if "writes to" in text] == []


@pytest.mark.filterwarnings("ignore::rememo.RememoWarning")
def test_what_a_helper_prints_is_told_of_for_its_caller_too(
    rememo_events: list[dict[str, Any]],
) -> None:
    """Also where the hit of that helper does it again, but not where it may be left out."""

    def helper() -> int:
        print("x")
        return 1

    def cautions(**options: Any) -> list[str]:
        inner = memoize(helper, **options)

        @memoize(version=str(options))
        def outer(inner: Any) -> int:
            return inner()

        del rememo_events[:]
        outer(Ignore(inner))
        return [e["function"].rpartition(".")[2] for e in rememo_events if e["event"] == "caution"]

    assert cautions() == ["helper", "outer"]
    assert cautions(effects=["stdout"]) == ["outer"]
    assert cautions(allow=["output"]) == []


@pytest.mark.filterwarnings("ignore::rememo.RememoWarning")
def test_what_comes_later_prints_too(rememo_events: list[dict[str, Any]]) -> None:
    @memoize
    async def later() -> int:
        await asyncio.sleep(0)
        print("x")
        return 1

    @memoize
    def numbers() -> Iterator[int]:
        print("x")
        yield 1

    asyncio.run(later())
    list(numbers())
    told_of = [e["function"].rpartition(".")[2] for e in rememo_events if e["event"] == "caution"]
    assert told_of == ["later", "numbers"]


def test_streams_of_other_kinds_are_heard_by_print(rememo_cache: Cache) -> None:
    class Screen:
        def write(self, text: str) -> int:
            return len(text)

    @memoize
    def f() -> None:
        print("x")

    with contextlib.redirect_stdout(Screen()):  # type: ignore[type-var]
        lines = told(f)
    assert ["writes to sys.stdout" in line for line in lines] == [True]


def test_nothing_is_told_of_in_a_script_that_says_so(program: Program) -> None:
    """And it is told of, on standard error, in one that does not."""
    for options, expected in (("", 1), ('allow=["output"]', 0)):
        program.write(
            script=f"""
            import rememo
            @rememo.memoize({options})
            def f(): print("x"); return 1
            f(), f()
            """
        )
        done = program.ended("-B", "script.py")
        assert (done.stdout, done.stderr.count("DroppedOutputWarning")) == ("x\n", expected)


NESTED = """
import sys
import rememo
{inner}
def g(n):
    print("g", n)
    sys.stderr.write("g\\n")
    return n
@rememo.memoize
def between(n):
    return g(n)
@rememo.memoize(effects=["stdout"])
def f(n):
    print("f")
    return between(n) + g(n + 1)
@rememo.memoize(effects=["stderr"])
def other(n):
    return g(n)
events = []
rememo._core.subscribe(
    lambda event: events.append((event["function"][5:], event["event"])), ["hit", "miss"]
)
"""


@pytest.mark.parametrize("tier", ["memory", "disk"])
def test_what_is_left_out_of_a_hit_is_not_left_out_of_what_keeps_it(
    program: Program, tier: str
) -> None:
    """Where output is kept around it, a result whose hits do not print is computed again."""
    program.write(tool=NESTED.format(inner="@rememo.memoize"))
    first = "g(2), between(1), between(1); "
    begin = "from tool import *\n"
    if tier == "disk":
        program.write(main=begin + first)
        program.run_python("-B", "main.py").splitlines()
        first = ""
    program.write(main=begin + first + "print('now'); f(1); print(f(1)); print(events)")
    printed = program.run_python("-B", "main.py").splitlines()
    printed = printed[printed.index("now") + 1 :]
    assert printed[:-1] == ["f", "g 1", "g 2"] * 2 + ["3"]
    assert "('f', 'hit')" in printed[-1]
    # By itself, it is answered as ever; and so is what keeps something else.
    program.write(main=begin + "between(1); g(2); print(events)")
    assert program.run_script("main") == "[('between', 'hit'), ('g', 'hit')]"
    program.write(main=begin + "other(1); other(1); print(events)")
    assert program.run_script("main").endswith("('g', 'miss'), ('other', 'hit')]")


def test_what_does_not_matter_is_left_out_of_what_keeps_it_too(program: Program) -> None:
    program.write(
        tool=NESTED.format(inner='@rememo.memoize(allow=["output"])'),
        main="from tool import *\ng(1); g(2); print('now'); f(1); print(events)",
    )
    printed = program.run_python("-B", "main.py").splitlines()
    assert printed[printed.index("now") + 1 : -1] == ["f"]
