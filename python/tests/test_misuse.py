"""What the decorator will not take, and calls that do not fit, are told of in plain words."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, NotCached, memoize

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program


class Ruler:
    """A class with methods."""

    def length(self) -> int:
        """An ordinary one."""
        return 1

    def __call__(self) -> int:
        return 1


def area(width: int, height: int = 1) -> int:
    """An ordinary function."""
    return width * height


REFUSED: dict[str, tuple[object, str]] = {
    "class": (Ruler, "the class Ruler: memoize a function that makes and returns an instance"),
    "builtin": (len, "the built-in function len: it has no Python code to watch"),
    "static method": (staticmethod(area), "the static method area: put @memoize below"),
    "class method": (classmethod(area), "the class method area: put @memoize below"),
    "property": (property(area), "a property: put @memoize below @property"),
    "memoized": (memoize(area), "area: it is memoized already"),
    "cache": (Cache("somewhere"), r"a cache: write @memoize\(cache=...\), or @cache.memoize"),
    "number": (128, r"128, a number: write @memoize\(maxsize=128\), which bounds nothing"),
    "text": ("area", "'area', of type str: it cannot be called"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_memoized_is_refused(name: str) -> None:
    """At once, when it is decorated, saying what to do instead."""
    thing, message = REFUSED[name]
    with pytest.raises(TypeError, match=f"^cannot memoize .*{message}"):
        memoize(thing)  # type: ignore[call-overload]


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown name": ({"ignore": ["depth"]}, "area has no parameter 'depth'.*: width, height"),
    "name without list": ({"ignore": "width"}, "list of parameter names, not 'width'"),
    "number": ({"ignore": 3}, "list of parameter names, not 3"),
    "path for a cache": ({"cache": Path("there")}, "cache must be a rememo.Cache, not .*there"),
    "text for freeze": ({"freeze": "x"}, "freeze must be a rememo.FreezeConfig, not 'x'"),
    "no option": ({"until": 3}, "unexpected keyword argument 'until'"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_makes_no_sense_is_an_error(name: str) -> None:
    """Whether the decorator is called with the function or without it."""
    options, message = OPTIONS[name]
    with pytest.raises(TypeError, match=message):
        memoize(area, **options)
    with pytest.raises(TypeError, match=message):
        memoize(**options)(area)


def test_a_cache_is_one_directory() -> None:
    """Neither none nor two."""
    with pytest.raises(ValueError, match="`dir` is empty"):
        Cache("")
    with pytest.raises(TypeError, match="give `dir` or `temporary`"):
        Cache("there", temporary=True)


def strict(a: int, /, b: int, *, c: int) -> int:
    """Takes one argument of each sort."""
    return a + b + c


UNFIT: tuple[tuple[tuple[int, ...], dict[str, int]], ...] = (
    ((), {}),
    ((1,), {"c": 3}),
    ((1, 2), {}),
    ((1, 2, 3), {}),
    ((1, 2), {"c": 3, "d": 4}),
    ((1, 2), {"b": 2, "c": 3}),
    ((), {"a": 1, "b": 2, "c": 3}),
)


@pytest.mark.parametrize(("args", "kwargs"), UNFIT)
def test_arguments_that_do_not_fit_raise_what_python_raises(
    rememo_cache: Cache, args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    """Word for word; and a question about such a call is an error too."""
    memoized: Any = memoize(strict)
    with pytest.raises(TypeError) as plain:
        strict(*args, **kwargs)
    with pytest.raises(TypeError) as raised:
        memoized(*args, **kwargs)
    assert str(raised.value) == str(plain.value)
    for question in (
        memoized.would_hit,
        memoized.explain,
        memoized.call_if_cached,
        memoized.clear_entry,
    ):
        with pytest.raises(TypeError, match=r"strict\(\): ") as raised:
            question(*args, **kwargs)
        with pytest.raises(TypeError) as bound:
            inspect.signature(strict).bind(*args, **kwargs)
        assert str(raised.value).endswith(f"strict(): {bound.value}")


def test_a_call_without_a_result_names_its_function(rememo_cache: Cache) -> None:
    """Where only a stored result was asked for."""
    with pytest.raises(NotCached, match=r"no stored result for this call of .*\.area$"):
        memoize(area).call_if_cached(1)


def test_an_explanation_says_that_memoization_is_off(
    rememo_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not that nothing is stored."""
    monkeypatch.setenv("REMEMO_DISABLE", "1")
    explanation = memoize(area).explain(1)
    assert not explanation.hit
    assert "switched off by REMEMO_DISABLE" in explanation.reason


def test_a_function_that_no_module_holds_cannot_be_pickled() -> None:
    """As a plain one cannot."""
    local = memoize(lambda: 1)
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(local)


SOURCELESS = """
import rememo
@rememo.memoize
def double(x):
    print("run")
    return x * 2
print(double(2), double.explain(3).changes[0].name)
"""


@pytest.mark.parametrize("way", ["-c", "-"])
def test_code_without_a_file_is_memoized(program: Program, tmp_path: Path, way: str) -> None:
    """Given on the command line or on standard input; it belongs to no project."""
    command = ["-c", SOURCELESS] if way == "-c" else ["-"]
    typed = "" if way == "-c" else SOURCELESS
    home = {"XDG_CACHE_HOME": str(tmp_path / "home")}
    outputs = [program.run_python(*command, typed=typed, **home) for _ in range(2)]
    assert outputs == ["run\n4 x\n", "4 x\n"]
    assert (tmp_path / "home" / "rememo" / "CACHEDIR.TAG").exists()


DECORATED: dict[str, Callable[[Any], Any]] = {
    "method": lambda ruler: ruler.scaled(3),
    "method of the class": lambda ruler: type(ruler).scaled(ruler, 3),
    "static method": lambda ruler: ruler.doubled(3),
    "class method": lambda ruler: ruler.named(3),
    "property": lambda ruler: ruler.size,
}


@pytest.mark.parametrize("name", DECORATED)
def test_methods_can_be_memoized(
    rememo_cache: Cache, rememo_events: list[dict[str, Any]], name: str
) -> None:
    """The instance is an argument like any other, and counts by its value."""

    class Scale:
        def __init__(self, unit: int) -> None:
            self.unit = unit

        @memoize
        def scaled(self, x: int) -> int:
            return x * self.unit

        @staticmethod
        @memoize
        def doubled(x: int) -> int:
            return x * 2

        @classmethod
        @memoize
        def named(cls, x: int) -> str:
            return cls.__name__ * x

        @property
        @memoize
        def size(self) -> int:
            return self.unit

    call = DECORATED[name]
    assert call(Scale(2)) == call(Scale(2))
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit"]
    if name in {"method", "property"}:
        assert call(Scale(2)) != call(Scale(3))
