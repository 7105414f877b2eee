"""How much room results take, what goes first, and what makes no sense to ask for."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, ResultTooLargeWarning, StoreWarning, TTLInterval, _core, memoize
from rememo.location import effective_from
from rememo.room import room_of

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

KIB = 1024


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_cache_says_what_it_takes_and_may_take(tmp_path: Path) -> None:
    """In numbers, and in words."""
    with Cache(tmp_path / "cache", max_size="64 MiB", max_files=100) as cache:

        @cache.memoize
        def blank(size):
            return bytes(size)

        blank(10)
        blank(50_000)
        usage = cache.usage()
        assert usage[:1] + usage[2:] == (2, 64 * KIB * KIB, 1, 100, "gdsf")
        assert 50_000 < usage.size < 60_000
        assert str(usage).startswith("2 results in 5")
        assert "of 64.0 MiB, 1 files" in str(usage)
        assert cache.reduce("1 KiB") == 2
        assert cache.usage().size < KIB


def test_a_full_cache_lets_go_of_what_saves_least(
    tmp_path: Path, rememo_events: list[dict[str, Any]]
) -> None:
    """One result that took long outlives many that did not."""
    with Cache(tmp_path / "cache", max_size="1 MiB") as cache:

        @cache.memoize(watch="off")
        def blank(size, slow=False):
            if slow:
                subprocess.run([sys.executable, "-c", ""], check=True)
            return bytes(size)

        blank(100_000, slow=True)
        for size in range(100_000, 100_030):
            blank(size)
        assert blank.would_hit(100_000, slow=True)
        assert cache.usage().size <= KIB * KIB
        gone = [event for event in rememo_events if event["event"] == "evicted"]
        assert len(gone) == 31 - cache.usage().entries
        assert all(event["size"] > 100_000 and not event["superseded"] for event in gone)


def test_what_is_evicted_may_still_be_a_hit_from_memory(
    tmp_path: Path, rememo_events: list[dict[str, Any]]
) -> None:
    """Nothing is wrong with it: there was just no room."""
    with Cache(tmp_path / "cache") as cache:

        @cache.memoize
        def double(x):
            return 2 * x

        double(1)
        cache.reduce(1)
        assert cache.usage().entries == 0
        del rememo_events[:]
        assert double(1) == 2
        assert names(rememo_events) == ["hit"]


def test_uses_count_in_later_processes(program: Program) -> None:
    """They are written down when the interpreter exits, though nothing was stored."""
    program.write(
        m="""
        from rememo import Cache
        cache = Cache("cache", max_size=350_000, policy="lru")

        @cache.memoize
        def blank(size):
            return bytes(size)
        """
    )
    program.run("import m; out = [len(m.blank(100_000 + i)) for i in range(3)]")
    assert program.run("import m; out = len(m.blank(100_000))") == (100_000, ["hit"])
    program.run("import m; out = len(m.blank(100_003))")
    kept, _ = program.run("import m; out = [m.blank.would_hit(100_000 + i) for i in range(4)]")
    assert kept == [True, False, True, True]


def test_pinned_functions_keep_what_they_have(tmp_path: Path) -> None:
    """Whatever else comes."""
    with Cache(tmp_path / "cache", max_size="1 MiB") as cache:

        @cache.memoize(pinned=True, tag="models")
        def pinned(size):
            return bytes(size)

        @cache.memoize
        def blank(size):
            return bytes(size)

        pinned(100_000)
        for size in range(100_000, 100_030):
            blank(size)
        assert pinned.would_hit(100_000)
        cache.reduce(1)
        assert cache.usage().entries == 1


def test_results_of_one_tag_are_cleared_together(tmp_path: Path) -> None:
    """And no others, in more than one batch."""
    with Cache(tmp_path / "cache") as cache:
        one, other, none = (
            cache.memoize(tag=tag)(function)
            for tag, function in (("a", lambda x: [x]), ("b", lambda x: (x,)), (None, lambda x: x))
        )
        for function in (one, other, none):
            for x in range(300):
                function(x)
        assert cache.clear("a") == 300
        assert cache.clear("a") == 0
        assert [f.would_hit(1) for f in (one, other, none)] == [False, True, True]
        assert cache.usage().entries == 600
        one(1)
        assert cache.clear() == 601
        assert not none.would_hit(1)


def test_a_result_that_is_too_large_is_returned_and_told_of_once(tmp_path: Path) -> None:
    """For itself, or for all results together."""
    with Cache(tmp_path / "cache", max_size="100 KiB") as cache:

        @cache.memoize(max_result_size="1 kB")
        def little(size):
            return bytes(size)

        @cache.memoize
        def blank(size):
            return bytes(size)

        with pytest.warns(ResultTooLargeWarning, match=r"little.* and may take 1000 B") as told:
            assert len(little(2000)) == 2000
        assert len(told) == 1
        assert len(little(2001)) == 2001
        with pytest.warns(ResultTooLargeWarning, match="raise max_size="):
            assert len(blank(200_000)) == 200_000
        assert cache.usage().entries == 0


def test_what_is_quick_is_not_kept_if_its_user_says_so(
    tmp_path: Path, rememo_events: list[dict[str, Any]]
) -> None:
    """Without a word, for that is what was asked for."""
    with Cache(tmp_path / "cache") as cache:

        @cache.memoize(min_compute_time="1h")
        def double(x):
            return 2 * x

        assert (double(2), double(2)) == (4, 4)
        assert names(rememo_events) == ["miss", "not_stored"] * 2
        assert {event.get("reason") for event in rememo_events} == {"new", "too quick"}


def test_a_bound_belongs_to_the_directory(tmp_path: Path) -> None:
    """Whoever asks last is heeded, and what is too much goes at once."""
    with Cache(tmp_path / "cache", max_size="1 GiB", policy="lru") as cache:

        @cache.memoize
        def blank(size):
            return bytes(size)

        for size in range(100_000, 100_010):
            blank(size)
        with Cache(tmp_path / "cache") as same:
            assert same.usage() == cache.usage()
        with Cache(tmp_path / "cache", max_size=300_000) as smaller:
            assert smaller.usage().entries == 2
            assert smaller.usage().policy == "lru"
        assert cache.usage().max_size == 300_000


def test_it_is_said_once_how_much_a_new_cache_takes(tmp_path: Path) -> None:
    """To those who ask, and to the log."""
    told: list[dict[str, Any]] = []
    token = _core.subscribe(told.append, ["bounded"])
    try:
        for _ in range(2):
            with Cache(tmp_path / "cache", max_size="1 GiB") as cache:
                assert cache.usage().max_size == 1 << 30
    finally:
        _core.unsubscribe(token)
    assert [event["detail"] for event in told] == [f"{tmp_path}/cache takes at most 1.0 GiB"]


def test_the_usual_bound_is_a_tenth_of_what_is_free_and_10_gib_at_most(tmp_path: Path) -> None:
    """So that no disk fills up for a cache that nobody thought of."""
    import os

    found = os.statvfs(tmp_path)
    with Cache(tmp_path / "cache") as cache:
        most = cache.usage().max_size
    tenth = found.f_bavail * found.f_frsize // 10
    assert most == 10 << 30 if tenth > 11 << 30 else most < 10 << 30
    with Cache(tmp_path / "share", max_size="5%") as cache:
        whole = found.f_blocks * found.f_frsize
        assert abs(cache.usage().max_size - whole / 20) <= 1


@pytest.mark.parametrize(
    ("size", "error", "why"),
    [
        (0, ValueError, "above zero, not 0"),
        (-1, ValueError, "above zero, not -1"),
        ("0 GiB", ValueError, 'max_size="0 GiB" leaves no room'),
        ("-5 GiB", ValueError, "leaves no room"),
        ("lots", ValueError, '"lots" is no size: write a number of bytes, "10 GiB", or "5%"'),
        ("", ValueError, "is no size"),
        ("101%", ValueError, "more than the whole disk"),
        (1.5, ValueError, "whole number above zero, not 1.5"),
        (True, TypeError, "not True"),
        (b"1", TypeError, "not b'1'"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(
    tmp_path: Path, size: Any, error: type[Exception], why: str
) -> None:
    """At once, by name, with what to write."""
    with pytest.raises(error, match="max_size") as refused:
        Cache(tmp_path, max_size=size)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"max_files": 0}, ValueError, "max_files must be a whole number above zero, not 0"),
        ({"max_files": "many"}, TypeError, "max_files must be a whole number"),
        ({"policy": "fifo"}, ValueError, 'there is no policy "fifo": it must be one of "gdsf"'),
    ],
)
def test_other_options_of_caches_are_checked(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], why: str
) -> None:
    """In the same way."""
    with pytest.raises(error, match=why):
        Cache(tmp_path, **options)


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"max_result_size": "5%"}, ValueError, "not a share of the disk"),
        ({"max_result_size": 0}, ValueError, "max_result_size must be .* above zero"),
        ({"min_compute_time": "soon"}, ValueError, '"soon" is no duration: write "1d"'),
        ({"min_compute_time": "-1s"}, ValueError, "more than zero"),
        ({"min_compute_time": timedelta(0)}, ValueError, "more than zero"),
        ({"min_compute_time": float("inf")}, ValueError, "less than for ever"),
        ({"min_compute_time": []}, TypeError, "min_compute_time must be seconds"),
        ({"tag": ""}, ValueError, "`tag` is empty"),
        ({"tag": 5}, TypeError, "tag"),
    ],
)
def test_options_of_functions_are_checked(
    options: dict[str, Any], error: type[Exception], why: str
) -> None:
    """When the function is memoized, not when it is called."""
    with pytest.raises(error, match=why):
        memoize(lambda: None, **options)


def test_options_of_functions_go_along_to_other_processes() -> None:
    """When they are written out in full."""
    import pickle

    options = {"pinned": True, "tag": "t", "max_result_size": 5, "min_compute_time": 0.5}
    options["ttl"] = TTLInterval("1d")
    options |= {"verify": 0.5, "auto_disable": True, "cache_exceptions": (KeyError,)}
    for given in (options, {}):
        sent = pickle.loads(pickle.dumps(_core.Retention(**given)))
        unsaid = dict.fromkeys(("tag", "max_result_size", "min_compute_time", "ttl"))
        unset = {"verify": 0.0, "auto_disable": False, "cache_exceptions": None}
        filled = {"pinned": False, **unsaid, "results": "copy", **unset, **given}
        assert sent.__getnewargs_ex__() == ((), filled)
    sent = pickle.loads(pickle.dumps(_core.Retention(ttl=timedelta(microseconds=1))))
    assert sent.__getnewargs_ex__()[1]["ttl"] == "1000ns"


def test_the_environment_bounds_caches_that_nobody_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or the project of their functions, of which nonsense is ignored, with a warning each."""
    (tmp_path / "pyproject.toml").write_text('[tool.rememo]\nmax_size = "9 MiB"\npolicy = "lru"\n')

    def asked() -> _core.Room:
        return room_of(effective_from(str(tmp_path)))

    store = _core.Store(str(tmp_path / "store"), False, False, room=asked())
    assert (store.room()[0], store.room()[2]) == (9 * KIB * KIB, "lru")
    monkeypatch.setenv("REMEMO_MAX_SIZE", "12 MiB")
    monkeypatch.setenv("REMEMO_POLICY", "lfu")
    store.ask_for_room(asked())
    assert (store.room()[0], store.room()[2]) == (12 * KIB * KIB, "lfu")
    monkeypatch.setenv("REMEMO_MAX_SIZE", "twelve")
    with pytest.warns(StoreWarning, match='ignored REMEMO_MAX_SIZE: max_size="twelve" is no size'):
        asked()
    monkeypatch.delenv("REMEMO_POLICY")
    (tmp_path / "pyproject.toml").write_text('[tool.rememo]\npolicy = "newest"\n')
    with pytest.warns(StoreWarning, match=r"ignored `policy` in \[tool.rememo\] of .*newest"):
        asked()
    asked()


def test_a_project_bounds_the_cache_of_its_functions(program: Program) -> None:
    """The directory keeps what was asked for."""
    project = program.directory / "pyproject.toml"
    project.write_text('[tool.rememo]\nmax_size = "7 MiB"\npolicy = "lru"\n')
    program.write(module="from rememo import memoize\n\n@memoize\ndef f(x):\n    return x\n")
    bound = "import module, rememo; module.f(1); usage = rememo.Cache('.rememo').usage()"
    out, _ = program.run(f"{bound}; out = usage.max_size, usage.policy")
    assert out == [7 * KIB * KIB, "lru"]


def test_results_of_changed_code_go_at_once_if_their_user_says_so(program: Program) -> None:
    """With all that only they need; what another closure or global value made stays."""
    module = """
        from rememo import Cache
        cache = Cache("cache")
        size = 10_000

        @cache.memoize
        def f(x):
            return "a" * size

        @cache.memoize
        def g(x):
            return x

        @cache.memoize(pinned=True)
        def h(x):
            return "a" * size
    """
    use = "import m; out = [len(m.f(1)), len(m.f(2)), m.g(1), len(m.h(1))]"
    program.write(m=module)
    program.run(use)
    program.write(m=module.replace('"a"', '"b"'))
    program.run(use)
    with Cache(program.directory / "cache") as cache:
        assert cache.usage().entries == 7
    with Cache(program.directory / "cache", superseded="delete") as cache:
        # What was superseded before goes, too.
        usage = cache.usage()
        assert (usage.entries, usage.files) == (5, 2)
    program.write(m=module.replace('"a"', '"c"'))
    _, events = program.run(use)
    assert events.count("evicted") == 2
    program.write(m=module.replace('"a"', '"c"').replace("10_000", "20_000"))
    program.run(use)
    with Cache(program.directory / "cache", superseded="demote") as cache:
        # Two sizes of f, g, and h of three versions, of which the last has two sizes; results
        # that are equal are one file.
        usage = cache.usage()
        assert (usage.entries, usage.files) == (2 * 2 + 1 + 4, 4)
        objects = [*(program.directory / "cache" / "objects").rglob("*")]
        assert sum(path.is_file() for path in objects) == usage.files
    program.write(m=module)
    program.run(use)
    with Cache(program.directory / "cache") as cache:
        assert cache.usage().entries == 9 + 2
    with pytest.raises(ValueError, match='superseded must be "demote" or "delete"'):
        Cache(superseded="forget")  # type: ignore[arg-type]
