"""`rememo.compat.joblib` does what joblib does, and notices what joblib does not."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import joblib
import numpy as np
import pytest
from rememo.compat.joblib import MemorizedFunc, Memory, NotMemorizedFunc, expires_after

if TYPE_CHECKING:
    from conftest import Program

EXAMPLE = Path(__file__).parents[3] / "examples" / "moving_from_joblib.py"


@pytest.fixture(params=[joblib.Memory, Memory], ids=["joblib", "rememo"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """One of each: what holds of the one holds of the other."""
    return request.param(tmp_path, verbose=0)


@pytest.fixture
def ours(tmp_path: Path) -> Memory:
    """One of ours."""
    return Memory(tmp_path, verbose=0)


CALLS: list[object] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def append(item: object, calls: list[object]) -> object:
    """Keeps account of calls in an argument that does not count."""
    calls.append(item)
    return item


# --- what both do ------------------------------------------------------------


def test_a_second_call_is_answered(memory: Any) -> None:
    cached = memory.cache(append, ignore=["calls"])
    assert not cached.check_call_in_cache(1, CALLS)
    assert [cached(1, CALLS), cached(item=1, calls=[]), cached(2, CALLS)] == [1, 1, 2]
    assert CALLS == [1, 2]
    assert cached.check_call_in_cache(1, CALLS)


def test_results_outlive_their_memory(memory: Any) -> None:
    memory.cache(append, ignore=["calls"])(1, CALLS)
    again = type(memory)(memory.location, verbose=0)
    assert again.cache(append, ignore=["calls"])(1, CALLS) == 1
    assert again.eval(abs, -3) == 3
    assert CALLS == [1]


def test_a_call_can_be_forced(memory: Any) -> None:
    cached = memory.cache(append, ignore=["calls"])
    cached(1, CALLS)
    result, metadata = cached.call(1, CALLS)
    assert (result, CALLS) == (1, [1, 1])
    assert metadata["duration"] >= 0
    assert metadata["input_args"] == {"item": "1"}
    assert metadata["time"] == pytest.approx(time.time(), abs=60)


def test_a_result_can_be_referred_to(memory: Any) -> None:
    cached = memory.cache(append, ignore=["calls"])
    shelved = cached.call_and_shelve(np.arange(3), CALLS)
    again = cached.call_and_shelve(np.arange(3), CALLS)
    assert len(CALLS) == 1
    for one in (shelved, again, pickle.loads(pickle.dumps(shelved))):
        assert one.get().tolist() == [0, 1, 2]
    assert shelved.args_id == again.args_id
    shelved.clear()
    assert not cached.check_call_in_cache(np.arange(3), CALLS)
    with pytest.raises(KeyError):
        shelved.get()


def test_without_a_location_nothing_is_kept(memory: Any) -> None:
    cached = type(memory)(None, verbose=0).cache(append)
    assert [cached(1, CALLS), cached(1, CALLS)] == [1, 1]
    assert CALLS == [1, 1]
    shelved = cached.call_and_shelve(2, CALLS)
    assert shelved.get() == 2
    shelved.clear()
    with pytest.raises(KeyError):
        shelved.get()
    assert cached.call(3, CALLS) == (3, {})
    assert not cached.check_call_in_cache(3, CALLS)
    cached.clear()


def test_clearing(memory: Any, caplog: pytest.LogCaptureFixture) -> None:
    first, second = memory.cache(append, ignore=["calls"]), memory.cache(square)
    first(1, CALLS), second(1)
    first.clear(warn=False)
    assert (first.check_call_in_cache(1, CALLS), second.check_call_in_cache(1)) == (False, True)
    assert not caplog.messages
    memory.clear()
    assert not second.check_call_in_cache(1)
    assert caplog.messages[-1] == f"[{memory}]: Flushing completely the cache"


def square(x: Any) -> Any:
    """A second function."""
    return x * x


def test_a_callback_can_reject_a_result(memory: Any) -> None:
    seen = []

    def judge(metadata: dict[str, Any]) -> bool:
        seen.append(metadata)
        return len(seen) != 2

    cached = memory.cache(append, ignore=["calls"], cache_validation_callback=judge)
    for _ in range(3):
        cached(1, CALLS)
    assert CALLS == [1, 1]
    assert [one["input_args"] for one in seen] == [{"item": "1"}] * 2
    assert all(one["time"] <= time.time() and one["duration"] >= 0 for one in seen)
    with pytest.raises(ValueError, match="cache_validation_callback"):
        memory.cache(append, cache_validation_callback=3)


@pytest.mark.parametrize("module", [joblib, sys.modules["rememo.compat.joblib"]])
def test_results_can_expire(module: Any, tmp_path: Path) -> None:
    memory = module.Memory(tmp_path, verbose=0)
    for limit, calls in ((module.expires_after(hours=1), 1), (module.expires_after(), 3)):
        CALLS.clear()
        memory.clear(warn=False)
        cached = memory.cache(append, ignore=["calls"], cache_validation_callback=limit)
        for _ in range(3):
            cached(1, CALLS)
        assert len(CALLS) == calls


def test_functions_that_change_their_arguments_are_taken_at_their_word(memory: Any) -> None:
    @memory.cache
    def fill(box: list[int]) -> int:
        box.append(1)
        return len(box)

    box: list[int] = []
    assert (fill(box), box) == (1, [1])
    assert (fill([]), box) == (1, [1])
    assert fill.check_call_in_cache([])


@pytest.mark.parametrize(("func", "args"), [(np.vander, ([1, 2],)), (len, ("abc",))])
def test_what_has_no_python_code_can_be_cached(memory: Any, func: Any, args: Any) -> None:
    cached = memory.cache(func)
    assert np.array_equal(cached(*args), func(*args))
    assert cached.check_call_in_cache(*args)
    assert cached.__name__ == func.__name__


class Model:
    """As joblib's documentation has it."""

    def __init__(self, memory: Any, factor: int) -> None:
        self.factor = factor
        self.apply = memory.cache(self.apply)

    def apply(self, x: int) -> int:
        return self.factor * x


def test_methods_of_an_instance_are_cached_in_their_constructor(memory: Any) -> None:
    assert (Model(memory, 2).apply(3), Model(memory, 3).apply(3)) == (6, 9)
    assert Model(memory, 2).apply.check_call_in_cache(3)
    assert not Model(memory, 4).apply.check_call_in_cache(3)


def test_parameters_of_a_wrapped_function_can_be_ignored(memory: Any) -> None:
    def passing_on(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    cached = memory.cache(passing_on(append), ignore=["calls"])
    assert [cached(1, CALLS), cached(1, []), cached(1, calls=CALLS)] == [1] * 3
    # By name and by place are two calls of a wrapper, as far as it tells.
    assert CALLS in ([1], [1, 1])
    assert (cached.check_call_in_cache(1, [2]), cached.check_call_in_cache(2, [])) == (True, False)
    again = pickle.loads(cloudpickle.dumps(cached))
    assert again.check_call_in_cache(1, [3])
    assert cached.call_and_shelve(1, [4]).get() == 1
    assert len(CALLS) <= 2


def gather(x: int, *rest: int, **more: int) -> int:
    """Takes whatever it is given."""
    return x + sum(rest) + sum(more.values())


@pytest.mark.parametrize(
    ("ignore", "hits"),
    [
        ([], [False, False, False]),
        (["*"], [True, False, False]),
        (["**"], [False, True, False]),
        (["*", "**"], [True, True, True]),
    ],
)
def test_what_collects_the_rest_is_named_as_there(
    memory: Any, ignore: list[str], hits: list[bool]
) -> None:
    cached = memory.cache(gather, ignore=ignore)
    _, metadata = cached.call(1, 2, 3, a=4)
    told = {"x": "1", "*": "[2, 3]", "**": "{'a': 4}"}
    for name in ignore:
        del told[name]
    assert metadata["input_args"] == told
    asked = [((1, 5), {"a": 4}), ((1, 2, 3), {"a": 5}), ((1,), {"b": 7})]
    assert [cached.check_call_in_cache(*args, **kwargs) for args, kwargs in asked] == hits
    assert pickle.loads(pickle.dumps(cached)).ignore == ignore


def test_a_cached_function_can_be_cached_anew(memory: Any) -> None:
    cached = memory.cache(memory.cache(append), ignore=["calls"])
    cached(1, CALLS)
    assert cached.check_call_in_cache(1, [])


def test_it_can_be_used_with_options_as_a_decorator(memory: Any) -> None:
    @memory.cache(ignore=["verbose"])
    def triple(x: int, verbose: bool = False) -> int:
        """Three times it."""
        return 3 * x

    assert triple(1) == 3
    assert triple.check_call_in_cache(1, verbose=True)
    assert triple.__name__ == "triple"
    assert "Three times it." in triple.__doc__
    assert list(inspect.signature(triple).parameters) == ["x", "verbose"]


def test_coroutine_functions(memory: Any) -> None:
    @memory.cache(ignore=["calls"])
    async def later(x: int, calls: list[object]) -> int:
        calls.append(x)
        await asyncio.sleep(0)
        return x

    async def use() -> tuple[object, ...]:
        shelved = await later.call_and_shelve(1, CALLS)
        return (
            await later(1, CALLS),
            await later(1, CALLS),
            shelved.get(),
            await later.call(1, CALLS),
        )

    first, second, third, (fourth, _) = asyncio.run(use())
    assert [first, second, third, fourth] == [1] * 4
    assert CALLS == [1, 1]
    assert later.check_call_in_cache(1, CALLS)


def test_calls_are_told_of(memory: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cached = memory.cache(square, verbose=1)
    cached(2), cached(2)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "_" * 80
    assert told[1].startswith("[Memory] Calling ")
    assert told[1].endswith("square...")
    assert told[2] == "square(2)"
    assert told[3].endswith("square - 0.0s, 0.0min")
    assert (len(told), len(told[3])) == (4, 80)
    memory.cache(square, verbose=10)(2)
    assert "square cache loaded - 0.0s, 0.0min" in capsys.readouterr().out


def test_reducing(memory: Any) -> None:
    cached = memory.cache(square)
    present = lambda: [n for n in range(4) if cached.check_call_in_cache(n)]  # noqa: E731
    for n in range(4):
        cached(n)
        time.sleep(0.01)
    memory.reduce_size()
    assert present() == [0, 1, 2, 3]
    memory.reduce_size(items_limit=2)
    assert present() == [2, 3]
    memory.reduce_size(bytes_limit="1G", age_limit=timedelta(days=1))
    assert present() == [2, 3]
    memory.reduce_size(bytes_limit=0)
    assert present() == []
    cached(1)
    memory.reduce_size(age_limit=timedelta(0))
    assert present() == []


# --- with the tools that take a memory ---------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_scikit_learn_takes_it(ours: Memory, workers: int) -> None:
    from sklearn.datasets import load_iris
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps = [("scale", StandardScaler()), ("reduce", PCA(2)), ("model", LogisticRegression())]
    x, y = load_iris(return_X_y=True)
    plain = Pipeline(steps).fit(x, y).predict(x)
    for _ in range(2):
        assert (Pipeline(steps, memory=ours).fit(x, y).predict(x) == plain).all()
    models = {"model__C": [0.1, 1.0]}
    search = GridSearchCV(Pipeline(steps, memory=ours), models, cv=2, n_jobs=workers)
    search.fit(x, y)
    assert search.best_score_ > 0.8


@pytest.mark.parametrize("name", ["AgglomerativeClustering", "FeatureAgglomeration", "OPTICS"])
def test_estimators_of_scikit_learn_take_it(
    ours: Memory, rememo_events: list[dict[str, Any]], name: str
) -> None:
    from sklearn import cluster

    x = np.random.default_rng(0).normal(size=(40, 6))
    plain = getattr(cluster, name)().fit(x).labels_
    fitted = [getattr(cluster, name)(memory=ours).fit(x).labels_ for _ in range(2)]
    assert all((labels == plain).all() for labels in fitted)
    told = [event["event"] for event in rememo_events]
    assert [told.count(one) for one in ("miss", "stored", "hit")] == [1, 1, 1]


def test_scikit_learn_fits_a_step_once(ours: Memory, rememo_events: list[dict[str, Any]]) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())], memory=ours)
    GridSearchCV(pipeline, {"model__C": [0.1, 1.0, 10.0]}, cv=2).fit(x, y)
    of_steps = [one["event"] for one in rememo_events if "_fit_transform_one" in one["function"]]
    # Two folds and the whole: each fitted once, and found by the other two models.
    assert (of_steps.count("stored"), of_steps.count("hit")) == (3, 4)


def test_workers_of_joblib_share_the_results(ours: Memory) -> None:
    # A local function, which only cloudpickle can send.
    @ours.cache
    def cube(x: int) -> int:
        return x**3

    jobs = [joblib.delayed(cube)(n) for n in (1, 2, 3)]
    assert joblib.Parallel(n_jobs=2)(jobs) == [1, 8, 27]
    assert all(cube.check_call_in_cache(n) for n in (1, 2, 3))


@pytest.mark.parametrize("imported", ["joblib", "rememo.compat.joblib"])
def test_a_program_that_changes_one_import_runs_the_second_time_without_computing(
    imported: str, tmp_path: Path
) -> None:
    text = EXAMPLE.read_text().replace("from rememo.compat.joblib", f"from {imported}")
    script = tmp_path / "example.py"
    script.write_text(text)
    told = []
    for _ in range(2):
        run = [sys.executable, str(script), str(tmp_path / "cache")]
        told.append(subprocess.check_output(run, text=True, timeout=60).splitlines())
    computed = [line for line in told[0] if line.startswith("computing")]
    assert computed == ["computing 0", "computing 1"]
    assert told[1] == [line for line in told[0] if line not in computed]
    assert told[1][-1] == "True"


# --- what only ours does -----------------------------------------------------


def test_functions_of_one_name_are_told_apart(ours: Memory, recwarn: Any) -> None:
    cached = [ours.cache(one) for one in (lambda x: x + 1, lambda x: x + 2)]
    assert [one(1) for one in cached] == [2, 3]
    assert [one.check_call_in_cache(1) for one in cached] == [True, True]
    assert list(recwarn) == []


def test_a_change_of_a_helper_is_noticed(program: Program) -> None:
    program.write(
        work="""
        from rememo.compat.joblib import Memory
        memory = Memory("cache", verbose=0)
        def helper(x):
            return x + 1
        @memory.cache
        def work(x):
            return helper(x)
        """
    )
    assert program.run("from work import work; out = work(1)") == (2, ["miss", "stored"])
    assert program.run("from work import work; out = work(1)") == (2, ["hit"])
    work = program.directory / "work.py"
    work.write_text(work.read_text().replace("x + 1", "x + 2"))
    assert program.run("from work import work; out = work(1)") == (3, ["miss", "stored"])


def test_what_is_ignored_is_a_list(ours: Memory) -> None:
    for function, names in ((gather, "x"), (append, "calls")):
        with pytest.raises(TypeError, match=rf"such as \['{names}'\], not a text"):
            ours.cache(function, ignore=names)
    with pytest.raises(TypeError, match="no parameter '\\*' to ignore"):
        ours.cache(append, ignore=["*"])


def test_files_count_if_that_is_asked(tmp_path: Path) -> None:
    data = tmp_path / "data.txt"

    def read(path: Path) -> str:
        return path.read_text()

    answers = []
    for watch in ("off", "content"):
        cached = Memory(tmp_path / watch, verbose=0, watch=watch).cache(read)
        for text in ("one", "two"):
            data.write_text(text)
            answers.append(cached(data))
    assert answers == ["one", "one", "one", "two"]


def test_arrays_come_as_the_mode_says(tmp_path: Path) -> None:
    for mode, writable in (("r", False), ("c", True), (None, True)):
        cached = Memory(tmp_path, verbose=0, mmap_mode=mode).cache(np.arange)
        shelved = cached.call_and_shelve(3)
        for array in (cached(3), cached(3), shelved.get(), cached.call(3)[0]):
            assert array.flags.writeable == writable
    nested = Memory(tmp_path, verbose=0).cache(lambda: {"a": [np.arange(3)]}, mmap_mode="r")
    assert not nested()["a"][0].flags.writeable


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mmap_mode": "r+"}, "each caller its own"),
        ({"mmap_mode": "x"}, "mmap_mode must be"),
        ({"backend": "s3"}, "no store backend 's3' here"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Memory(tmp_path, **options)


def test_limits_that_make_no_sense_are_refused(ours: Memory) -> None:
    for limits in ({"bytes_limit": "many"}, {"items_limit": -1}, {"age_limit": timedelta(-1)}):
        with pytest.raises(ValueError, match="_limit"):
            ours.reduce_size(**limits)


def test_a_result_that_cannot_be_stored_is_held(ours: Memory) -> None:
    from rememo import UnpicklableResultWarning

    cached = ours.cache(lambda: (n for n in range(3)))
    with pytest.warns(UnpicklableResultWarning):
        assert list(cached.call_and_shelve().get()) == [0, 1, 2]


def test_it_travels_by_name(tmp_path: Path) -> None:
    assert pickle.loads(pickle.dumps(of_module)) is of_module
    assert isinstance(of_module, NotMemorizedFunc)
    memory = pickle.loads(pickle.dumps(Memory(tmp_path, verbose=3, watch="mtime")))
    assert (memory.location, memory.verbose, memory.watch) == (str(tmp_path), 3, "mtime")
    copy = pickle.loads(pickle.dumps(memory.cache(square)))
    assert isinstance(copy, MemorizedFunc)
    assert copy.location == str(tmp_path / "rememo")


@Memory(None, verbose=0).cache
def of_module(x: int) -> int:
    """A function that is found by its name."""
    return x


def test_expiry_takes_any_unit() -> None:
    assert expires_after(minutes=1)({"time": time.time() - 30})
    assert not expires_after(minutes=1)({"time": time.time() - 90})
