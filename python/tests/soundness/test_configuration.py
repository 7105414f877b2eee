"""What users say about what counts."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import FreezeConfig, Frozen, Ignore, code_version, freeze, memoize

if TYPE_CHECKING:
    from conftest import Program

Events = list[dict[str, Any]]


class Locked:
    """Has state that pickling and freezing can't look at."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lock = threading.Lock()


class Chosen(Locked):
    """Says itself what counts."""

    def __getfrozenstate__(self) -> int:
        return self.size


class Keyed(Locked):
    """Says it the predecessor's way."""

    version = 1

    def __cache_key__(self) -> int:
        return self.size

    def __cache_ver__(self) -> int:
        return self.version


def names(events: Events) -> list[str]:
    return [event["event"] for event in events]


def test_an_ignored_parameter_does_not_count(rememo_cache: object, rememo_events: Events) -> None:
    @memoize(ignore=["verbose"])
    def f(x: int, *, verbose: Any = None) -> int:
        return x

    assert f(1, verbose=threading.Lock()) == f(1, verbose=2) == f(1) == 1
    assert names(rememo_events) == ["miss", "stored", "hit", "hit"]


def test_one_function_memoized_in_two_ways_has_two_results(rememo_cache: rememo.Cache) -> None:
    def difference(x: int, y: int) -> int:
        return x - y

    without_x = rememo_cache.memoize(ignore=["x"])(difference)
    without_y = rememo_cache.memoize(ignore=["y"])(difference)
    for _ in range(3):
        assert [without_x(1, 5), without_y(5, 1)] == [-4, 4]


def test_an_unknown_parameter_to_ignore_is_an_error() -> None:
    with pytest.raises(TypeError, match="no parameter 'z' to ignore; its parameters: x, y"):

        @memoize(ignore=["z"])
        def f(x: int, y: int) -> int:
            return x


def test_wrappers_never_reach_the_function(rememo_cache: object, rememo_events: Events) -> None:
    @memoize
    def f(x: Any, y: Any = None) -> str:
        return f"{type(x).__name__} {type(y).__name__}"

    big = Frozen([1, 2])
    assert f(big, Ignore(threading.Lock())) == "list lock"
    assert f(big, y=Ignore(0)) == "list lock"
    assert f([1, 2], y=Ignore(0)) == "list lock"
    assert names(rememo_events) == ["miss", "stored", "hit", "hit"]


def test_a_frozen_argument_is_fingerprinted_once() -> None:
    calls = []

    class Counted:
        def __getfrozenstate__(self) -> int:
            calls.append(1)
            return 1

    with rememo.Cache(temporary=True) as cache:
        f = cache.memoize(lambda x: 1)
        argument = Frozen(Counted())
        for _ in range(3):
            f(argument)
    assert len(calls) == 1


def test_a_version_counts_beside_the_code(rememo_cache: object, rememo_events: Events) -> None:
    def make(version: object) -> Any:
        def f(x: int) -> int:
            return x

        return memoize(version=version)(f)

    for version in ["1", "1", "2", None, "1"]:
        make(version)(1)
    assert names(rememo_events) == [
        "miss",
        "stored",
        "hit",
        "miss",
        "stored",
        "miss",
        "stored",
        "hit",
    ]


def test_a_code_version_stands_for_the_code() -> None:
    def make(version: str, add: int) -> Any:
        @code_version(version)
        def helper(x: int) -> int:
            return x + add

        return lambda x: helper(x)

    assert freeze(make("1", 1)) == freeze(make("1", 2)) != freeze(make("2", 1))


@pytest.mark.parametrize("kind", [Chosen, Keyed])
def test_a_class_may_say_what_counts(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"object\.lock: _thread\.lock"):
        freeze(Locked(1))
    assert freeze(kind(1)) == freeze(kind(1)) != freeze(kind(2))


def test_a_new_cache_version_is_another_value() -> None:
    one, other = Keyed(1), Keyed(1)
    other.version = 2
    assert freeze(one) != freeze(other)


def test_a_type_can_be_registered_by_name() -> None:
    class Remote:
        def __init__(self, url: str) -> None:
            self.url, self.lock = url, threading.Lock()

    name = f"{Remote.__module__}.{Remote.__qualname__}"
    rememo.register(name, lambda remote: remote.url)
    first = freeze(Remote("a"))
    assert first == freeze(Remote("a")) != freeze(Remote("b"))
    rememo.register(Remote, lambda remote: remote.url, version="2")
    assert freeze(Remote("a")) != first
    with pytest.raises(TypeError, match="register a type, or its name"):
        rememo.register(3, str)  # type: ignore[call-overload]


def test_attributes_and_classes_can_be_ignored() -> None:
    name = f"{__name__}.Locked"
    config = FreezeConfig(ignore_attributes=[f"{name}.lock"])
    assert freeze(Locked(1), config) != freeze(Locked(2), config)
    config = FreezeConfig(ignore_classes=[name])
    assert freeze([Locked(1)], config) == freeze([Locked(2)], config)


@pytest.mark.parametrize("module", ["__main__", "script"])
def test_what_a_script_defines_is_ignored_by_either_of_its_names(
    module: str, program: Program
) -> None:
    program.write(
        script=f"""
        from rememo import FreezeConfig, freeze
        class Point:
            def __init__(self, x, y):
                self.x, self.y = x, y
        attribute = FreezeConfig(ignore_attributes=["{module}.Point.y"])
        whole = FreezeConfig(ignore_classes=["{module}.Point"])
        other = FreezeConfig(ignore_classes=["{module}.Points"])
        def same(config, x, y):
            return freeze(Point(1, 1), config) == freeze(Point(x, y), config)
        if __name__ == "__main__":
            counts = same(attribute, 1, 2), same(attribute, 2, 1), same(whole, 2, 2)
            print(*counts, same(other, 2, 2))
        """
    )
    assert program.run_script("script") == "True False True False"


def test_the_order_of_dicts_may_not_count() -> None:
    config = FreezeConfig(dict_order=False)
    one, other = {"a": 1, "b": [2]}, {"b": [2], "a": 1}
    assert freeze(one) != freeze(other)
    assert freeze(one, config) == freeze(other, config)
    assert freeze({"a": "b", "b": "a"}, config) != freeze({"a": "a", "b": "b"}, config)


def test_modules_count_by_version_or_by_content(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "vendored.py"

    def digest(text: str, config: FreezeConfig) -> str:
        path.write_text(text)
        sys.modules.pop("vendored", None)
        import vendored

        def use() -> int:
            return vendored.f()

        result = freeze(use, config)
        sys.modules.pop("vendored")
        return result

    one = "__version__ = '1'\ndef f(): return 1\n"
    changed = "__version__ = '1'\ndef f(): return 1 + 1\n"
    released = "__version__ = '2.0'\ndef f(): return 1\n"
    sys.dont_write_bytecode = True
    content, version = FreezeConfig(), FreezeConfig(by_version=["vendored"])
    assert digest(one, content) != digest(changed, content)
    assert digest(one, version) == digest(changed, version)
    assert digest(one, version) != digest(released, version)
    with pytest.raises(TypeError, match="by_version names vendored"):
        digest("def f(): return 1\n", version)


def test_differences_are_named() -> None:
    one = {"a": [1, {"b": Chosen(1)}], "c": "x"}
    other = {"a": [2, {"b": Chosen(2)}], "c": "x"}
    places = [difference.path for difference in rememo.iterate_diffs(one, other)]
    assert places[0] == "['a'][0]"
    assert len(places) == 2
    assert rememo.summarize_diffs(one, one) == ""


def test_differences_of_what_is_shared_are_found_once() -> None:
    def shared(leaf: int, depth: int = 60) -> list[Any]:
        value: list[Any] = [leaf]
        for _ in range(depth):
            value = [value, value]
        return value

    assert [str(found) for found in rememo.iterate_diffs(shared(1), shared(2))] == [
        f"object{'[0]' * 61}: 1 became 2"
    ]
    one, other = shared(1, 2), shared(2, 2)
    one.append(one)
    other.append(other)
    assert len(list(rememo.iterate_diffs(one, other))) == 1


def test_a_scan_tells_what_a_function_uses() -> None:
    import random
    import time

    def inner() -> float:
        return time.time() + random.random()

    def outer() -> float:
        import json

        return inner() + len(json.dumps({}))

    scan = rememo.scan(outer)
    assert {"len"} == set(scan.names)
    assert scan.imports == ("json",)
    assert [name.rsplit(".", 1)[-1] for name in scan.reaches] == ["outer", "inner"]
    assert {(i.name, i.kind) for i in scan.impurities} == {
        ("time.time", "clock"),
        ("random.random", "random"),
    }


def test_impurities_are_announced_once(rememo_cache: object) -> None:
    import time

    heard: list[tuple[object, ...]] = []
    listening = True

    def hook(event: str, args: tuple[object, ...]) -> None:
        if listening and event == "rememo.impurity":
            heard.append(args)

    sys.addaudithook(hook)

    @memoize(allow=["clock"])
    def stamp(x: int) -> float:
        return time.time()

    stamp(1)
    stamp(2)
    listening = False
    assert [(args[2], args[3]) for args in heard] == [("time.time", "clock")]
    assert "stamp uses time.time (clock)" in str(stamp.explain(1))


def test_what_is_taken_from_the_table_of_modules_is_warned_of(rememo_cache: object) -> None:
    @memoize
    def version(name: str) -> Any:
        return sys.modules[name].__name__

    with pytest.warns(rememo.UnseenDependencyWarning, match="uses sys.modules"):
        assert version("json") == "json"


def test_a_context_variable_counts_by_its_value() -> None:
    import contextvars

    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

    def use() -> int:
        return variable.get()

    unset = freeze(use)
    variable.set(1)
    one = freeze(use)
    variable.set(2)
    assert len({unset, one, freeze(use)}) == 3
    assert contextvars.copy_context().run(freeze, use) == freeze(use)


def test_the_walk_is_logged_to_those_who_ask(
    rememo_cache: object, caplog: pytest.LogCaptureFixture
) -> None:
    import logging

    @memoize
    def f(x: int) -> int:
        return len([x])

    memoize(lambda x: x)(1)
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, logger="rememo.freeze"):
        f(2)
    told = [record.message.split(": ", 1)[1].rsplit(" ", 1)[0] for record in caplog.records]
    assert f"function {f.__module__}.{f.__qualname__}" in told
    assert "argument x" in told
    assert any(line.startswith("library python") for line in told)


def test_requirements_name_modules(tmp_path: Any) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(
        "# data\nnumpy>=2\nscikit-learn[x] ; python_version > '3'\n-r other\nabsent==1\n"
    )
    assert {"numpy", "sklearn"} <= set(rememo.required_modules(listed))
    project = tmp_path / "pyproject.toml"
    project.write_text(
        "[project]\ndependencies = ['pandas']\n[project.optional-dependencies]\na = ['numpy']\n"
    )
    assert {"numpy", "pandas"} <= set(rememo.required_modules(project))
    locked = tmp_path / "uv.lock"
    locked.write_text("[[package]]\nname = 'attrs'\n")
    assert set(rememo.required_modules(locked)) == {"attr", "attrs"}
    project.write_text("")
    with pytest.raises(ValueError, match="neither a"):
        rememo.required_modules(project)


def test_code_made_by_hand_counts_with_its_constants() -> None:
    def make(add: int) -> Any:
        def helper(x: int) -> int:
            return x + add

        def f(x: int) -> Any:
            return "a constant"

        constants = tuple(helper if c == "a constant" else c for c in f.__code__.co_consts)
        f.__code__ = f.__code__.replace(co_consts=constants)
        return f

    assert make(1)(0)(1) == 2
    assert freeze(make(1)) == freeze(make(1)) != freeze(make(2))
