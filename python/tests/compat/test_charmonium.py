"""`rememo.compat.charmonium` has the predecessor's names and does what they do."""

from __future__ import annotations

import json
import logging
import pickle
import re
import subprocess
import sys
import threading
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rememo import NotCached, UnpicklableResultWarning
from rememo.compat.charmonium import (
    DEFAULT_FREEZE_CONFIG,
    DEFAULT_MEMOIZED_GROUP,
    CacheThrashingWarning,
    DirObjStore,
    FileContents,
    FileRWLock,
    GDSize,
    Memoized,
    MemoizedGroup,
    NaiveRWLock,
    ReplacementPolicy,
    TTLInterval,
    memoize,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program

CALLS: list[object] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


@pytest.fixture
def group(tmp_path: Path) -> MemoizedGroup:
    """A group in a directory of its own."""
    return MemoizedGroup(obj_store=DirObjStore(tmp_path / "cache"), size="1 MiB")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Says what was logged since it was last asked."""
    caplog.set_level(logging.DEBUG, logger="charmonium.cache.ops")

    def since() -> list[str]:
        events = [json.loads(line)["event"] for line in caplog.messages]
        caplog.clear()
        return events

    return since


def note(x: Any) -> Any:
    """Gives back what it is given."""
    return x


def test_hits_and_misses_are_logged_by_their_names(group: MemoizedGroup, told: Any) -> None:
    memoized = memoize(group=group)(note)
    assert [memoized(1), memoized(x=1), memoized(2)] == [1, 1, 2]
    assert told() == ["miss", "hit", "miss"]
    assert (memoized.would_hit(1), memoized.would_hit(3)) == (True, False)
    assert told() == ["hit", "miss"]
    assert memoized.call_if_cached(2) == 2
    with pytest.raises(NotCached):
        memoized.call_if_cached(3)
    assert (memoized.clear_entry(2), memoized.clear_entry(2)) == (True, False)
    assert told() == ["cascading_delete"]
    assert not memoized.would_hit(2)


def test_what_is_logged_of_a_question_is_what_is_logged_of_a_call(
    group: MemoizedGroup, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="charmonium.cache.ops")
    memoized = memoize(group=group)(note)
    memoized.would_hit(1), memoized(1), memoized.would_hit(1), memoized(1)
    lines = [json.loads(line) for line in caplog.messages]
    assert [line["event"] for line in lines] == ["miss", "miss", "hit", "hit"]
    assert {line["name"] for line in lines} == {memoized.name}
    same = {(line["key"], line["obj_key"], line["pid"], line["tid"]) for line in lines}
    assert len(same) == 1
    assert len({line["call_id"] for line in lines}) == 4


def test_another_process_finds_the_results(program: Program) -> None:
    program.write(
        work="""
        from rememo.compat.charmonium import MemoizedGroup, DirObjStore, memoize
        group = MemoizedGroup(obj_store=DirObjStore("cache"))
        def helper(x):
            return x + 1
        @memoize(group=group)
        def work(x):
            return helper(x)
        """
    )
    code = "from work import work, group; out = work.would_hit(1), work(1)"
    assert program.run(code)[0] == [False, 2]
    assert program.run(code)[0] == [True, 2]
    work = program.directory / "work.py"
    work.write_text(work.read_text().replace("x + 1", "x + 2"))
    assert program.run(code)[0] == [False, 3]


class Shelf(dict[int, bytes]):
    """Somebody's object store."""


def test_object_stores_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shelf = Shelf()
    memoized = memoize(group=MemoizedGroup(obj_store=shelf))(note)
    memoized("abc")
    [(key, payload)] = shelf.items()
    assert (key < 2**64, pickle.loads(payload)) == (True, "abc")
    assert memoized.would_hit("abc")
    # Gone, cut off, or somebody else's: a miss, and it is put right.
    for damage in (
        shelf.clear,
        lambda: shelf.update({key: payload[:-1]}),
        lambda: shelf.update({key: b"x"}),
    ):
        damage()
        assert not memoized.would_hit("abc")
        assert memoized("abc") == "abc"
        assert shelf == {key: payload}
    memoized.clear_entry("abc")
    assert shelf == {}


class Upside:
    """Somebody's pickler."""

    @staticmethod
    def dumps(obj: object) -> bytes:
        return pickle.dumps(obj)[::-1]

    @staticmethod
    def loads(buffer: bytes) -> object:
        return pickle.loads(buffer[::-1])


def test_picklers_of_ones_own(tmp_path: Path, told: Any) -> None:
    group = MemoizedGroup(obj_store=DirObjStore(tmp_path), pickler=Upside)
    memoized, other = memoize(group=group)(note), memoize(group=group, pickler=pickle)(abs)
    assert [memoized([1]), memoized([1]), other(-2), other(-2)] == [[1], [1], 2, 2]
    assert told() == ["miss", "hit"] * 2
    kept = [group.obj_store[key] for key in group.obj_store]
    assert sorted(kept) == sorted([Upside.dumps([1]), pickle.dumps(2)])


class Held:
    """Somebody's lock."""

    def __init__(self) -> None:
        self.times = defaultdict(int)
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        if name not in {"reader", "writer"}:
            raise AttributeError(name)
        self.times[name] += 1
        return self._lock


def test_locks_of_ones_own_are_held(tmp_path: Path) -> None:
    lock = Held()
    memoized = memoize(group=MemoizedGroup(obj_store=DirObjStore(tmp_path), lock=lock))(note)
    memoized(1)
    assert lock.times == {"writer": 1}
    memoized(1)
    assert lock.times == {"writer": 1, "reader": 1}
    plain = NaiveRWLock(threading.Lock())
    with plain.reader:
        assert not plain.lock.acquire(blocking=False)


def test_a_file_lock_holds_in_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "made" / "lock"
    probe = (
        "import fcntl, sys; file = open(sys.argv[1]); "
        "fcntl.flock(file, int(sys.argv[2]) | fcntl.LOCK_NB)"
    )
    shared, exclusive = "1", "2"

    def free(how: str) -> bool:
        run = [sys.executable, "-c", probe, str(path), how]
        return subprocess.run(run, check=False, capture_output=True).returncode == 0

    lock = FileRWLock(path)
    with lock.reader, lock.reader:
        assert (free(shared), free(exclusive)) == (True, False)
    with lock.writer:
        assert (free(shared), free(exclusive)) == (False, False)
    assert free(exclusive)


class OldestFirst(ReplacementPolicy):
    """Somebody's policy."""

    def __init__(self) -> None:
        self.order: dict[object, Any] = {}

    def add(self, key: object, entry: Any) -> None:
        self.order[key] = entry

    def access(self, key: object, entry: Any) -> None:
        CALLS.append("access")

    def invalidate(self, key: object, entry: Any) -> None:
        assert self.order.pop(key) == entry

    def evict(self) -> tuple[object, Any]:
        key = next(iter(self.order))
        return key, self.order.pop(key)


def test_policies_are_told_of_what_is_cleared(
    group: MemoizedGroup, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="charmonium.cache.ops")
    group.replacement_policy = policy = OldestFirst()
    memoized = memoize(group=group)(note)
    memoized("a"), memoized("b")
    assert memoized.clear_entry("a")
    [kept] = policy.order
    group.size = 0
    group.evict()
    assert (policy.order, list(group.obj_store)) == ({}, [])
    cleared, evicted = (json.loads(line) for line in caplog.messages[-2:])
    assert (cleared["event"], evicted["event"]) == ("cascading_delete", "evict")
    assert (evicted["key"], evicted["new_total_size"]) == (kept, 0)
    # What it was never told of is none of its business.
    again = MemoizedGroup(obj_store=group.obj_store, replacement_policy=OldestFirst())
    memoized("c")
    memoized.group = again
    assert memoized.clear_entry("c")


def test_policies_of_ones_own_choose_what_goes(tmp_path: Path, told: Any) -> None:
    size = len(pickle.dumps("a" * 100))
    for fine in (True, False):
        store = DirObjStore(tmp_path / str(fine))
        policy = OldestFirst()
        group = MemoizedGroup(
            obj_store=store, replacement_policy=policy, size=2 * size, fine_grain_eviction=fine
        )
        memoized = memoize(group=group)(note)
        for letter in "abca":
            memoized(letter * 100)
        group.commit()
        present = [letter for letter in "abc" if memoized.would_hit(letter * 100)]
        # Kept after each call, `a` goes for `c`, comes back, and `b` goes for it.
        assert present == (["a", "c"] if fine else ["b", "c"])
        assert told().count("evict") == (2 if fine else 1)
        entry = next(iter(policy.order.values()))
        assert entry.data_size.to_Byte().value == size
        assert entry.function_time >= timedelta(0)
        again = MemoizedGroup(obj_store=store, replacement_policy=OldestFirst(), size=size)
        again.evict()
        assert (len(list(store)), told()) == (1, ["evict"])
    assert CALLS == ["access"]


def test_gdsize_lets_go_of_what_took_least_for_its_size() -> None:
    from rememo.compat.charmonium.policies import Entry, Size

    policy = GDSize()
    for name, seconds in (("quick", 1), ("slow", 10)):
        took = timedelta(seconds=seconds)
        policy.add(name, Entry(None, Size(10), took, timedelta(0), obj_store=True))
    assert [policy.evict()[0] for _ in range(2)] == ["quick", "slow"]
    with pytest.raises(ValueError, match="nothing left"):
        policy.evict()


def test_what_policies_are_told_can_be_counted_with() -> None:
    from rememo.compat.charmonium.policies import Size

    small, large = Size(10), Size(30)
    assert sum([small, large]) == Size(40)
    assert (small < large, min(large, small), float(large)) == (True, small, 30.0)


def test_the_default_group_is_made_when_it_is_needed() -> None:
    from rememo.compat.charmonium import Future

    future: Any = Future.create(lambda: [1])
    assert not future.computed
    assert (future.count(1), future.computed) == (1, True)


def test_sizes_are_read_as_they_are_written(tmp_path: Path) -> None:
    store = DirObjStore(tmp_path)
    sizes = {"3 MiB": 3 * 1024**2, "2kB": 2000, "1.5 GiB": 3 * 1024**3 // 2, 17: 17}
    for text, size in sizes.items():
        assert MemoizedGroup(obj_store=store, size=text).size == size
    assert MemoizedGroup(obj_store=store).size == 100 * 1024
    with pytest.raises(ValueError, match="size must be"):
        MemoizedGroup(obj_store=store, size="much")
    with pytest.raises(ValueError, match="no policy 'best'"):
        MemoizedGroup(obj_store=store, replacement_policy="best")


def test_states_that_are_declared_count(group: MemoizedGroup, tmp_path: Path) -> None:
    states = {"system": 1, "function": 1, "version": 1}
    outer = MemoizedGroup(
        obj_store=DirObjStore(tmp_path / "o"), extra_system_state=lambda: states["system"]
    )

    def work(x: int) -> int:
        return x

    work.__version__ = lambda: states["version"]
    memoized = memoize(group=outer, extra_func_state=lambda _: states["function"])(work)
    memoized(1)
    for name in states:
        assert memoized.would_hit(1)
        states[name] = 2
        assert not memoized.would_hit(1), name
        states[name] = 1
    named = Memoized(work, group=outer, name="another")
    assert not named.would_hit(1)


def test_arguments_count_as_they_say(group: MemoizedGroup, tmp_path: Path) -> None:
    class Resource:
        def __init__(self, name: str, version: int) -> None:
            self.name, self.version = name, version
            self.noise = object()

        def __cache_key__(self) -> str:
            return self.name

        def __cache_ver__(self) -> int:
            return self.version

    memoized = memoize(group=group)(len_of)
    assert memoized(Resource("abc", 1)) == 3
    hits = [memoized.would_hit(Resource(*one)) for one in (("abc", 1), ("abc", 2), ("ab", 1))]
    assert hits == [True, False, False]
    file = tmp_path / "data"
    file.write_text("one")
    read = memoize(group=group)(contents)
    assert read(FileContents(file)) == "one"
    assert read.would_hit(FileContents(str(file)))
    file.write_text("two")
    assert read(FileContents(file)) == "two"


def len_of(resource: Any) -> int:
    return len(resource.name)


def contents(path: FileContents) -> str:
    return Path(path).read_text()


def test_file_contents_bring_their_file_along(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("one")
    held = pickle.dumps(FileContents(file))
    file.unlink()
    assert FileContents(file).__cache_ver__() is None
    assert contents(pickle.loads(held)) == "one"
    assert ("/x/" + FileContents("data") + ".csv").__fspath__() == "/x/data.csv"
    with pytest.raises(ValueError, match="comparison"):
        FileContents(file, "size")


def test_intervals_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("rememo.compat.charmonium.helpers.time.time", lambda: now)
    interval = TTLInterval(timedelta(seconds=10))
    first = interval(print)
    now = 1009.0
    assert interval() == first == TTLInterval(10)()
    now = 1010.0
    assert interval() == first + 1


def test_the_group_can_be_another_later(group: MemoizedGroup, tmp_path: Path) -> None:
    @memoize()
    def work(x: int) -> int:
        return x

    assert work.group is DEFAULT_MEMOIZED_GROUP
    work.group = group
    work(1)
    assert work.would_hit(1)
    work.group = MemoizedGroup(obj_store=DirObjStore(tmp_path / "other"))
    assert not work.would_hit(1)


def test_groups_and_functions_can_be_pickled(group: MemoizedGroup) -> None:
    memoized = memoize(group=group)(note)
    memoized(1)
    copy = pickle.loads(pickle.dumps(memoized))
    assert copy.would_hit(1)
    assert copy.group.size == group.size
    assert pickle.loads(pickle.dumps(of_module)) is of_module


@memoize()
def of_module(x: int) -> int:
    return x


def test_a_group_that_was_assigned_goes_along(program: Program) -> None:
    """To workers which import the module, where nobody assigned it."""
    program.write(
        work="""
        from rememo.compat.charmonium import memoize
        @memoize()
        def work(x):
            return x
        """
    )
    code = """
    import concurrent.futures, multiprocessing, pickle
    from rememo.compat.charmonium import DirObjStore, MemoizedGroup
    from work import work
    work.group = MemoizedGroup(obj_store=DirObjStore("assigned"))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        out = pool.submit(work, 2).result(), work.would_hit(2)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(work))))
    out = *out, again.would_hit(2), again.group.obj_store.path.name
    """
    assert program.run(code)[0] == [2, True, True, "assigned"]
    assert not (program.directory / ".cache").exists()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_script_finds_what_its_workers_stored(program: Program, method: str) -> None:
    """Its module has another name in those that are spawned."""
    program.write(
        script=f"""
        import concurrent.futures, multiprocessing
        from rememo.compat.charmonium import DirObjStore, MemoizedGroup, memoize
        group = MemoizedGroup(obj_store=DirObjStore("objects"))
        @memoize(group=group)
        def work(x):
            return x
        def told(x):
            answer = work(x)
            group.cache.commit()
            return answer
        if __name__ == "__main__":
            context = multiprocessing.get_context("{method}")
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
                print(pool.submit(told, 2).result(), work.would_hit(2), work.name)
        """
    )
    assert program.run_script("script") == "2 True __main__.work"


class Number:
    """Has methods of all kinds."""

    def __init__(self, value: int) -> None:
        self.value = value

    @memoize()
    def plus(self, *others: Number) -> int:
        return self.value + sum(other.value for other in others)

    @memoize()
    def times(self, factor: int) -> int:
        return self.value * factor


def test_questions_may_name_the_instance_once_more(group: MemoizedGroup) -> None:
    Number.times.group = Number.plus.group = group
    two = Number(2)
    assert (two.times(3), two.times.would_hit(two, 3), two.times.would_hit(3)) == (6, True, True)
    assert (two.times.call_if_cached(two, 3), two.times.clear_entry(two, factor=3)) == (6, True)
    # Where the call does with two of it, it is an argument.
    assert (two.plus.would_hit(two), two.plus(two), two.plus.would_hit(two)) == (False, 4, True)
    assert not two.plus.would_hit()


def test_methods(group: MemoizedGroup) -> None:
    class Model:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        @memoize(group=group)
        def apply(self, x: int) -> int:
            return self.factor * x

    assert (Model(2).apply(3), Model(3).apply(3)) == (6, 9)
    assert (Model(2).apply.would_hit(3), Model(4).apply.would_hit(3)) == (True, False)
    assert Model(2).apply.call_if_cached(3) == 6
    assert Model(2).apply.clear_entry(3)


def test_results_can_be_kept_by_the_index(group: MemoizedGroup, told: Any) -> None:
    with pytest.warns(UserWarning, match="nothing bounds them"):
        memoize(group=group, use_obj_store=False)(note)
    memoized = memoize(group=group, use_obj_store=False, use_metadata_size=True)(note)
    assert [memoized(1), memoized(1)] == [1, 1]
    assert told() == ["miss", "hit"]
    assert list(group.obj_store) == []
    group.size = 0
    group.evict()
    assert not memoized.would_hit(1)


def test_orphans_go(group: MemoizedGroup, told: Any) -> None:
    memoized = memoize(group=group)(note)
    memoized(1)
    group.obj_store[7] = b"left behind"
    group.remove_orphans()
    assert told()[-1] == "remove_orphan"
    assert len(list(group.obj_store)) == 1
    assert memoized.would_hit(1)


def test_a_temporary_group_leaves_nothing_behind(tmp_path: Path) -> None:
    text = """
    from rememo.compat.charmonium import MemoizedGroup, memoize
    work = memoize(group=MemoizedGroup(temporary=True))(abs)
    print(work(-1), work.would_hit(-1))
    """
    import textwrap

    run = [sys.executable, "-c", textwrap.dedent(text)]
    environment = {"TMPDIR": str(tmp_path)}
    out = subprocess.check_output(run, text=True, cwd=tmp_path, env=environment)
    assert out == "1 True\n"
    assert list(tmp_path.iterdir()) == []


def test_what_was_saved(group: MemoizedGroup, capsys: pytest.CaptureFixture[str]) -> None:
    memoized = memoize(group=group, name="work")(note)
    memoized(1), memoized(1)
    assert timedelta(0) < group.time_cost["work"] < timedelta(seconds=5)
    assert group.time_saved["work"] >= timedelta(0)
    memoized.log_usage_report()
    said = r"Caching work: cost \d\.\ds, saved 0\.0s, net saved -\d\.\ds\n"
    assert re.fullmatch(said, capsys.readouterr().err)
    group.time_cost["work"] = timedelta(seconds=6)
    with pytest.warns(CacheThrashingWarning, match=r"caching work took 6\.\d s and saved only"):
        memoized(1)


def test_what_cannot_be_pickled_is_returned(group: MemoizedGroup) -> None:
    memoized = memoize(group=group)(lambda: (n for n in range(2)))
    with pytest.warns(UnpicklableResultWarning):
        assert list(memoized()) == [0, 1]


def test_errors_of_the_function_are_its_own(group: MemoizedGroup) -> None:
    def fail(x: int) -> int:
        return 1 // x

    memoized = memoize(group=group)(fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            memoized(0)
    assert memoized(1) == 1
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        memoized()


def test_what_cannot_be_memoized_is_refused(group: MemoizedGroup, tmp_path: Path) -> None:
    async def later() -> None:
        pass

    with pytest.raises(TypeError, match=r"use rememo\.memoize"):
        memoize(group=group)(later)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"holds what is no object: .*notes\.txt"):
        DirObjStore(tmp_path)
    store = DirObjStore(tmp_path / "small", key_bytes=2)
    with pytest.raises(ValueError, match="more than 2 bytes"):
        store[2**16] = b""
    with pytest.raises(KeyError):
        store[1]


def test_fingerprints() -> None:
    from rememo.compat.charmonium import freeze as module

    freeze, config = module.freeze, module.Config()
    assert freeze({"a": 1, "b": 2}) != freeze({"b": 2, "a": 1})
    config.ignore_dict_order = True
    assert freeze({"a": 1, "b": 2}, config) == freeze({"b": 2, "a": 1}, config)
    assert 0 <= freeze("x") < 2**64
    config.use_hash = False
    assert isinstance(freeze("x", config), str)
    assert module.summarize_diffs([1, [2]], [1, [3]]) == "obj0[1][0] == 2\nobj1[1][0] == 3"
    assert module.summarize_diffs(1, 1) == "no differences"
    [(one, other)] = module.iterate_diffs({"a": 1}, {"a": 2})
    assert (one.labels, one.tail, other.tail) == (("obj0", "['a']"), 1, 2)
    for act in (lambda: freeze(iter([1])), lambda: list(module.iterate_diffs(iter([1]), 1))):
        with pytest.raises(module.UnfreezableTypeError) as caught:
            act()
        assert isinstance(caught.value, (module.FreezeError, NotImplementedError))
    with pytest.raises(AttributeError, match="no field 'ignore_all'"):
        config.ignore_all = True
    assert module.FreezeRecursionError.__base__ is module.FreezeError
    assert module.global_config == DEFAULT_FREEZE_CONFIG


GUARD = threading.RLock()


class Guarded:
    def __init__(self, held: object) -> None:
        self.lock = threading.Lock()
        self.held = held


def test_locks_do_not_count_as_there(group: MemoizedGroup) -> None:
    from rememo.compat.charmonium.freeze import Config, UnfreezableTypeError, freeze

    @memoize(group=group)
    def held(guarded: Guarded) -> object:
        with GUARD, guarded.lock:
            return guarded.held

    assert held(Guarded(1)) == 1
    assert (held.would_hit(Guarded(1)), held.would_hit(Guarded(2))) == (True, False)
    with pytest.raises(UnfreezableTypeError):
        freeze(GUARD, Config(ignore_objects_by_class=set()))


def test_places_in_objects_are_made_as_there() -> None:
    from rememo.compat.charmonium.freeze import ObjectLocation

    place = ObjectLocation.create(0, [1]).append("[0]", 1)
    assert (place.labels, place.objects, place.tail) == (("obj0", "[0]"), ([1], 1), 1)
