"""`effects=["arguments", "globals"]`: a hit leaves arguments and globals, and everything that somebody
else holds of them, as the call of the plain function would; or there is no hit."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from soundness.program_mutations import HEAD, PROGRAMS

if TYPE_CHECKING:
    from rememo import Cache

    from conftest import Program

pytestmark = pytest.mark.soundness

# Only from pandas 3 on, a table that shares what it holds copies it as soon as it is changed.
OF_PANDAS_3 = ("tables", "tables that share what they hold until it is changed")
PANDAS = int(version("pandas").partition(".")[0])

TAIL = """
once()
once()
if "plain" not in sys.argv:
    print("hits", events.count("hit"), "misses", events.count("miss"))
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_without_memoization(program: Program, name: str) -> None:
    """The first process runs the calls, and answers them the second time; the next one answers all."""
    hits, text = PROGRAMS[name]
    program.write(main=HEAD + text + TAIL)
    expected = program.run_python("-B", "main.py", "plain").splitlines()
    for is_first in (True, False):
        *printed, counted = program.run_python("-B", "main.py").splitlines()
        assert printed == expected
        _, hit, _, missed = counted.split()
        if not hits or (PANDAS < 3 and name in OF_PANDAS_3):
            assert missed != "0"
        elif is_first:
            assert hit != "0"
        elif "cannot be changed" not in name:
            assert missed == "0", counted


def test_an_exception_that_is_kept_is_raised_with_what_the_call_changed(
    rememo_cache: Cache,
) -> None:
    @rememo_cache.memoize(effects=["arguments"], cache_exceptions=ValueError)
    def f(x: list[int]) -> None:
        x.append(1)
        raise ValueError(len(x))

    for _ in range(2):
        x: list[int] = []
        with pytest.raises(ValueError, match="1"):
            f(x)
        assert x == [1]
    assert f.cache_info()[:2] == (1, 1)


def test_what_is_verified_comes_out_the_same(
    rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    """Texts that are one object in one run, and two that are equal in the next, make no difference."""

    @rememo_cache.memoize(effects=["arguments"], verify=1.0)
    def f(x: list[str], word: str) -> list[str]:
        x += [word, "".join(["on", "e"])]
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for word in ("one", "".join(["o", "ne"]), "one"):
            x: list[str] = []
            assert f(x, word) is x
            assert x == ["one", "one"]
    assert [event["event"] for event in rememo_events].count("verified") == 2


def test_a_result_that_is_looked_up_changes_what_it_belongs_to(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(effects=["arguments"])
    def f(x: list[int]) -> list[int]:
        x.append(1)
        return x

    f([])
    x: list[int] = []
    assert f.would_hit(x)
    assert x == []
    assert f.call_if_cached(x) is x
    assert x == [1]
    assert f.call_and_shelve([]).get() == [1]


def test_results_in_memory_are_nobodys(rememo_cache: Cache) -> None:
    """What one caller does with what came into its argument, another does not see."""

    @rememo_cache.memoize(effects=["arguments"])
    def f(x: list[Any]) -> object:
        x.append([1])
        return x[0]

    for _ in range(3):
        x: list[Any] = []
        result: Any = f(x)
        assert result == [1]
        assert result is x[0]
        result.append(2)
    assert f.cache_info()[:2] == (2, 1)


def test_one_that_only_calls_it_is_not_kept_unless_it_says_so_too(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(effects=["arguments"])
    def inner(x: list[int]) -> None:
        x.append(1)

    @rememo_cache.memoize
    def outer(x: list[int]) -> None:
        inner(x)

    x: list[int] = []
    with pytest.warns(rememo.ChangedDuringCallWarning, match="argument x"):
        outer(x)
    outer(x)
    outer(x)
    assert x == [1, 1, 1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("x.append(lambda: 1)", "cannot be pickled"),
        ("x.append(Mine()); x.pop(0).append(1)", "a Mine cannot be changed in its place"),
    ],
)
def test_what_cannot_be_done_again_is_not_kept_and_said_why(
    rememo_cache: Cache, body: str, why: str
) -> None:
    names: dict[str, Any] = {"Mine": type("Mine", (list,), {}), "__name__": "unemulated"}
    exec(f"def f(x):\n    {body}\n", names)
    f = rememo_cache.memoize(effects=["arguments"])(names["f"])
    with pytest.warns(rememo.RememoWarning, match=why):
        f([names["Mine"]()])
    assert not f.would_hit([names["Mine"]()])


def test_what_goes_with_its_arguments_is_no_view(rememo_cache: Cache) -> None:
    with pytest.raises(TypeError, match='leave out results="view"'):
        rememo_cache.memoize(lambda x: x, effects=["arguments"], results="view")
