"""What `functools.lru_cache` keeps: who is handed it depends on what was read to make it, by
whichever call that was."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rememo import Cache

pytestmark = pytest.mark.soundness

LOAD = """
import functools
from rememo import memoize

@functools.lru_cache(maxsize=None)
def load(name):
    with open(name) as file: return file.read()

@memoize
def length(name, times=1): return times * len(load(name))
"""


def program(text: str = LOAD) -> Any:
    """The module of a program, as a run of it begins: with nothing kept yet."""
    # Functions of earlier ones go by the same names.
    gc.collect()
    made = types.ModuleType("keeping")
    exec(text, vars(made))
    return made


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rememo_cache: Cache) -> None:
    directory = tmp_path / "files"
    directory.mkdir()
    monkeypatch.chdir(directory)
    Path("a").write_text("one")
    Path("b").write_text("two")


def answers(events: list[dict[str, Any]]) -> list[str]:
    """What became of each call since this was last asked."""
    names = [event["event"] for event in events if event["event"] in {"hit", "miss", "not_stored"}]
    events.clear()
    return names


def test_what_was_kept_before_the_call_counts(rememo_events: list[dict[str, Any]]) -> None:
    first = program()
    first.load("a")
    assert first.length("a") == len("one")
    later = program()
    later.load("a")
    assert later.length("a") == len("one")
    Path("a").write_text("other")
    assert program().length("a") == len("other")
    assert answers(rememo_events) == ["miss", "hit", "miss"]


def test_what_an_earlier_call_had_kept_counts(rememo_events: list[dict[str, Any]]) -> None:
    run = program()
    assert [run.length("a", 1), run.length("a", 2)] == [3, 6]
    Path("a").write_text("other")
    assert program().length("a", 2) == 2 * len("other")
    assert answers(rememo_events) == ["miss", "miss", "miss"]


def test_what_was_read_for_other_results_does_not_count(
    rememo_events: list[dict[str, Any]],
) -> None:
    run = program()
    run.load("a")
    run.load("b")
    run.length("a")
    Path("b").write_text("other")
    assert program().length("a") == len("one")
    assert answers(rememo_events) == ["miss", "hit"]


def test_what_is_kept_of_a_file_that_has_changed_since_is_not_stored(
    rememo_events: list[dict[str, Any]], recwarn: pytest.WarningsRecorder
) -> None:
    run = program()
    run.load("a")
    Path("a").write_text("other")
    assert run.length("a") == len("one")
    assert program().length("a") == len("other")
    assert answers(rememo_events) == ["miss", "not_stored", "miss"]
    assert [warning.category.__name__ for warning in recwarn] == ["ChangedDuringCallWarning"]


HEAD = "import functools, os, threading\nfrom pathlib import Path\nfrom rememo import memoize\n"
WAYS = {
    "of results that are one object": (
        (
            "@functools.cache\ndef check(name): Path(name).read_text()\n"
            "@memoize\ndef length(): return 0 if check('a') else len(GLOBAL)\nGLOBAL = 'one'\n"
        ),
        "check('b'); check('a')",
    ),
    "of a method": (
        (
            "class Reader:\n"
            "    @functools.lru_cache\n"
            "    def load(self, name): return Path(name).read_text()\n"
            "READER = Reader()\n"
            "@memoize\ndef length(): return len(READER.load('a'))\n"
        ),
        "READER.load('a')",
    ),
    "of one for another": (
        (
            "@functools.lru_cache\ndef inner(name): return Path(name).read_text()\n"
            "@functools.lru_cache(maxsize=2)\ndef outer(name): return inner(name)\n"
            "@memoize\ndef length(): return len(outer('a'))\n"
        ),
        "inner('a'); outer('a')",
    ),
    "of one that asks itself": (
        (
            "@functools.cache\ndef upto(n): return upto(n - 1) + 1 if n else len(Path('a').read_text())\n"
            "@memoize\ndef length(): return upto(2) - 2\n"
        ),
        "upto(4)",
    ),
    "through a partial": (
        (
            "load = functools.partial(functools.cache(lambda name: Path(name).read_text()))\n"
            "@memoize\ndef length(): return len(load('a'))\n"
        ),
        "load('a')",
    ),
    "in another thread": (
        (
            "@functools.cache\ndef load(name): return Path(name).read_text()\n"
            "@memoize\ndef length(): return len(load('a'))\n"
        ),
        "thread = threading.Thread(target=load, args=('a',)); thread.start(); thread.join()",
    ),
    "of a memoized function": (
        (
            "@functools.cache\n@memoize\ndef load(name): return Path(name).read_text()\n"
            "@memoize\ndef length(): return len(load('a'))\n"
        ),
        "load('a')",
    ),
    "of what a memoized function calls": (
        (
            "@functools.cache\ndef load(name): return Path(name).read_text()\n"
            "@memoize\ndef inner(): return load('a')\n"
            "@memoize\ndef length(): return len(inner())\n"
        ),
        "load('a')",
    ),
    "of a variable of the environment": (
        (
            "@functools.cache\ndef variable(name): return os.environ.get(name)\n"
            "@memoize\ndef length(): return len(variable('VARIABLE'))\n"
        ),
        "variable('VARIABLE')",
    ),
    "of what there is": (
        (
            "@functools.cache\ndef size(name): return os.path.getsize(name)\n"
            "@memoize\ndef length(): return size('a')\n"
        ),
        "size('a')",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_way_it_was_kept(
    way: str, rememo_events: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    text, fill = WAYS[way]
    monkeypatch.setenv("VARIABLE", "one")
    first, later = program(HEAD + text), program(HEAD + text)
    for run in first, later:
        exec(fill, vars(run))
        assert run.length() == len("one")
    Path("a").write_text("other")
    monkeypatch.setenv("VARIABLE", "other")
    changed = program(HEAD + text)
    assert changed.length() == len(changed.length.__wrapped__.__globals__.get("GLOBAL", "other"))
    mine = [event for event in rememo_events if event["function"].endswith("length")]
    assert answers(mine) == ["miss", "hit", "miss"]


def test_what_was_kept_before_anybody_watched_is_not_relied_on(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import functools, sys, warnings\n"
        "@functools.lru_cache(maxsize=None)\n"
        "def load(name): return open(name).read()\n"
        "load('a')\n"
        "from rememo import memoize\n"
        "@memoize\n"
        "def length(name): return len(load(name))\n"
        "@memoize\n"
        "def twice(name): return 2 * len(load(name))\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    print(length('a'), [str(warning.message) for warning in caught])\n"
        "load.cache_clear()\n"
        "print(twice('a'), twice.would_hit('a'), length.would_hit('a'))\n"
    )
    said = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "REMEMO_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said[0].startswith("3 [")
    assert "functools.lru_cache keeps of an earlier call of load" in said[0]
    assert "call its cache_clear() first" in said[0]
    assert said[1] == "6 True False"


def test_a_kept_function_stays_what_it_is() -> None:
    run = program()
    run.load("a")
    assert run.load.__wrapped__.__name__ == run.load.__name__ == "load"
    assert run.load.cache_info() == (0, 1, None, 1)
    assert run.load.cache_parameters() == {"maxsize": None, "typed": False}
    with pytest.raises(FileNotFoundError):
        run.load("absent")
    assert run.load.cache_info().currsize == 1


def test_threads_that_have_results_made_at_once_miss_nothing(
    rememo_events: list[dict[str, Any]],
) -> None:
    for number in range(40):
        Path(f"file{number}").write_text("x" * number)
    run = program()
    names = [f"file{number}" for number in range(40)]

    def fill(names: list[str]) -> None:
        for name in names:
            run.load(name)

    threads = [threading.Thread(target=fill, args=(names[at:] + names[:at],)) for at in range(8)]
    for thread in threads:
        thread.start()
    lengths = [run.length(name) for name in names]
    for thread in threads:
        thread.join()
    assert lengths == list(range(40))
    for name in names:
        Path(name).write_text("other")
    assert [program().length(name) for name in names] == [len("other")] * 40
    assert "hit" not in answers(rememo_events)


CHANGED = """
import functools
from rememo import memoize

class Settings: pass

@functools.lru_cache(maxsize=4)
def load(name):
    made = Settings()
    made.table, made.name = {"key": [1]}, name
    return made

@memoize
def value(name): return load(name).table["key"][0]
"""
WAYS_TO_CHANGE = {
    "an item": "load('a').table['key'] = [5]",
    "at depth": "load('a').table['key'][0] = 5",
    "an attribute": "load('a').table = {'key': [5]}",
    "through another result": "value('a'); load('a').table['key'][0] = 5",
}


@pytest.mark.parametrize("size", ["4", "None"])
@pytest.mark.parametrize("way", WAYS_TO_CHANGE)
def test_what_is_kept_and_was_changed_in_its_place_is_seen(
    way: str, size: str, rememo_events: list[dict[str, Any]], recwarn: pytest.WarningsRecorder
) -> None:
    text, change = CHANGED.replace("maxsize=4", f"maxsize={size}"), WAYS_TO_CHANGE[way]
    run = program(text)
    exec(change, vars(run))
    assert run.value("a") == 5
    assert "changed in its place since it was made" in str(recwarn.pop().message)
    assert answers(rememo_events)[-2:] == ["miss", "not_stored"]
    # It is of the same name in this process.
    run.load.cache_clear()
    untouched = program(text)
    assert [untouched.value("a"), untouched.value("b"), untouched.value("a")] == [1, 1, 1]
    answers(rememo_events)
    later = program(text)
    assert later.value("a") == 1
    exec(change, vars(later))
    # Another result of the same function is what it was.
    assert [later.value("a"), later.value("b")] == [5, 1]
    assert answers(rememo_events).count("hit") == (3 if "value" in change else 2)


def test_explanations_say_that_what_is_kept_was_changed() -> None:
    run = program(CHANGED)
    run.value("a")
    assert run.value.would_hit("a")
    run.load("a").table["key"] = [5]
    assert "kept result of keeping.load changed" in str(run.value.explain("a"))
    run.load.cache_clear()
    assert run.value.would_hit("a")


def test_a_call_that_changes_what_is_kept_is_not_stored(
    rememo_events: list[dict[str, Any]],
) -> None:
    text = CHANGED + "\n@memoize\ndef spoil(): load('a').table['more'] = 1; return 1\n"
    with pytest.warns(match="kept result of"):
        assert program(text).spoil() == 1
    assert answers(rememo_events) == ["miss", "not_stored"]


def test_results_that_are_let_go_of_no_longer_count(rememo_events: list[dict[str, Any]]) -> None:
    run = program(CHANGED.replace("maxsize=4", "maxsize=1"))
    run.value("a")
    run.load("a").table["key"] = [5]
    run.load("b")
    assert run.value("a") == 1
    assert answers(rememo_events) == ["miss", "hit"]


def test_many_results_are_told_apart_as_far_as_there_is_room() -> None:
    text = CHANGED.replace("maxsize=4", "maxsize=None")
    text += (
        "\n@memoize\ndef total(count): return sum(load(n).table['key'][0] for n in range(count))\n"
    )
    run = program(text)
    assert [run.total(10), run.total(40)] == [10, 40]
    run.load(100).table["key"] = [5]
    assert [run.total.would_hit(10), run.total.would_hit(40)] == [True, False]
    run.load(39).table["key"] = [2]
    with pytest.warns(match="changed in its place|kept result of"):
        assert [run.total(10), run.total(40)] == [10, 41]


def test_what_nobody_can_tell_to_be_as_it_was_is_not_relied_on(
    rememo_events: list[dict[str, Any]],
) -> None:
    text = (
        "import functools, threading\nfrom rememo import memoize\n"
        "@functools.cache\ndef make(): return {'lock': threading.Lock(), 'key': 1}\n"
        "@memoize\ndef value(): return make()['key']\n"
        "@memoize(allow=['kept'])\ndef same(): return make()['key']\n"
    )
    run = program(text)
    with pytest.warns(match=r"may have been changed since: result\['lock'\]"):
        assert run.value() == 1
    assert run.same() == 1
    assert answers(rememo_events) == ["miss", "not_stored", "miss"]
    assert program(text).same.would_hit()


def test_what_cannot_be_changed_costs_no_look() -> None:
    text = (
        "import functools\nfrom rememo import memoize\n"
        "@functools.cache\ndef make(): return ('a', (1, 2.0), frozenset({None}))\n"
        "@memoize\ndef value(): return make()[1][0]\n"
    )
    run = program(text)
    assert run.value() == 1
    assert "kept result" not in str(run.value.explain())


def test_a_function_of_a_library_that_is_wrapped_counts(tmp_path: Path) -> None:
    text = (
        "import functools, json\nfrom rememo import memoize\n"
        "loads = functools.cache(json.loads)\n"
        "@memoize\ndef value(): return loads('{\"key\": 1}')['key']\n"
    )
    assert program(text).value() == 1
    run = program(text)
    run.loads('{"key": 1}')["key"] = 5
    with pytest.warns(match="changed in its place"):
        assert run.value() == 5
