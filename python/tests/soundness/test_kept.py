"""What `functools.lru_cache` keeps: who is handed it depends on what was read to make it, by
whichever call that was."""

from __future__ import annotations

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
