"""Arguments that name files: where nobody is seen to read one, its user hears of it, once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pandas as pd
import pytest
import rememo
from rememo import UnseenDependencyWarning, memoize

if TYPE_CHECKING:
    from rememo import Cache

pytestmark = [pytest.mark.soundness, pytest.mark.usefixtures("rememo_cache", "files")]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the current directory: one of HDF5, and one of text."""
    monkeypatch.chdir(tmp_path)
    write(1)
    Path("a.txt").write_text("one")
    Path("plain").write_text("one")
    Path("d").mkdir()


def write(number: int) -> None:
    """Writes the file of HDF5."""
    with h5py.File("x.h5", "w") as file:
        file["a"] = [number]


def told(call: Any) -> list[str]:
    """The first words of what is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    ours = [one for one in caught if issubclass(one.category, rememo.RememoWarning)]
    return [f"{one.category.__name__}: {one.message}" for one in ours]


def first(path: Any) -> Any:
    """Has a C library open a file."""
    with h5py.File(path, "r") as file:
        return file["a"][0]


def test_a_file_that_a_c_library_opens_is_warned_of_once(rememo_events: list[Any]) -> None:
    f = memoize(first)
    with pytest.warns(
        UnseenDependencyWarning, match=r"first is cached and was given the path .*x\.h5.*track\("
    ) as warned:
        assert f("x.h5") == 1
    assert [one.filename for one in warned] == [__file__]
    assert told(lambda: f(os.path.abspath("x.h5"))) == []  # noqa: PTH100
    cautions = [event for event in rememo_events if event["event"] == "caution"]
    assert [event["kind"] for event in cautions] == ["unread", "unread"]
    assert (f.would_hit("x.h5"), cautions[0]["detail"]) == (True, str(Path("x.h5").absolute()))


@pytest.mark.parametrize(
    "given",
    [
        ("x.h5",),
        (Path("x.h5"),),
        (rememo.Frozen("./x.h5"),),
        (["", 1, "x.h5"],),
        ({"path": Path("x.h5")},),
    ],
    ids=str,
)
def test_a_path_is_known_in_many_guises(given: tuple[Any]) -> None:
    @memoize
    def f(path: Any) -> bool:
        only = path["path"] if isinstance(path, dict) else path
        return h5py.is_hdf5(only[-1] if isinstance(only, list) else only)

    assert [line.partition(":")[0] for line in told(lambda: f(*given))] == [
        "UnseenDependencyWarning"
    ]


def test_that_a_file_is_asked_for_says_nothing_of_who_reads_it() -> None:
    @memoize
    def f(path: str) -> Any:
        return first(path) if Path(path).exists() else None

    with pytest.warns(UnseenDependencyWarning):
        f("x.h5")


def test_what_is_reached_by_helpers_and_comes_later_counts() -> None:
    @memoize
    async def f(path: str) -> Any:
        return first(path)

    with pytest.warns(UnseenDependencyWarning):
        asyncio.run(f("x.h5"))


def test_what_another_process_reads_counts_where_that_is_allowed() -> None:
    @memoize(allow=["processes"])
    def f(path: str) -> bytes:
        return subprocess.run(["cat", path], check=True, capture_output=True).stdout

    with pytest.warns(UnseenDependencyWarning, match=r"a\.txt"):
        f("a.txt")


def seen(path: Any) -> object:
    """Has a file open in ways that are seen, with a library at hand that might not be."""
    with open(path, "rb") as file, h5py.File(file, "r") as data:  # noqa: PTH123
        return data["a"][0]


SEEN: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "opened in Python": ({}, seen, "x.h5"),
    "tracked": ({}, lambda path: first(rememo.track(path)), "x.h5"),
    "declared": ({"depends_on": [rememo.File("x.h5")]}, first, "x.h5"),
    "in a directory that is declared": ({"depends_on": [rememo.Dir(".")]}, first, "x.h5"),
    "counted as an argument": ({}, first, rememo.FileContents("x.h5")),
    "asked for its status": ({}, lambda path: (os.stat(path).st_mtime, h5py.__version__), "x.h5"),  # noqa: PTH116
    "told by time": ({"watch": "mtime"}, seen, "x.h5"),
    "read by pandas": ({}, lambda path: pd.read_csv(path).size, "a.txt"),
    "read by numpy": ({}, lambda path: np.fromfile(path, "u1").tolist(), "a.txt"),
    "allowed": ({"allow": ["unread"]}, first, "x.h5"),
    "assumed to be pure": ({"assume_pure": True}, first, "x.h5"),
    "not watched": ({"watch": "off"}, first, "x.h5"),
    "a parameter that does not count": ({"ignore": ["path"]}, first, "x.h5"),
    "an argument that does not count": ({}, first, rememo.Ignore("x.h5")),
}


@pytest.mark.parametrize("how", SEEN)
def test_what_is_seen_or_said_is_not_warned_of(how: str) -> None:
    options, of, path = SEEN[how]

    def f(path: Any) -> Any:
        return of(path)

    assert told(lambda: memoize(f, **options)(path)) == []


def test_what_another_memoized_function_reads_is_seen() -> None:
    @memoize
    def inner(path: str) -> object:
        return seen(path)

    def outer(path: str) -> object:
        return inner(path), h5py.__version__

    inner("x.h5")
    assert told(lambda: memoize(outer)("x.h5")) == []
    inner.cache_clear()
    assert told(lambda: memoize(outer, version=1)("x.h5")) == []


@pytest.mark.parametrize(
    "given", ["plain", "d", "d/", ".", "no/such.h5", "", "x.h5\0", "a.b" * 3000, 3, b"x.h5", None]
)
def test_what_is_no_file_or_just_a_word_is_not_warned_of(given: Any) -> None:
    @memoize
    def f(path: Any) -> object:
        return h5py.__version__, path

    assert told(lambda: f(given)) == []


@pytest.mark.parametrize(
    "use",
    [
        lambda path: Path(path).with_suffix(".out"),
        lambda path: os.path.join("d", path),  # noqa: PTH118
        lambda path: np.array([len(path)]).sum(),
    ],
)
def test_code_that_cannot_open_files_unseen_may_pass_paths_along(use: Any) -> None:
    """All that Python code opens is heard."""

    def f(path: str) -> Any:
        return use(path)

    assert told(lambda: memoize(f)("x.h5")) == []


def test_a_file_that_is_written_unseen_keeps_the_result_out(
    rememo_cache: Cache, rememo_events: list[Any]
) -> None:
    """Where there was none, and where there was another."""

    @memoize
    def save(path: str, number: int) -> int:
        with h5py.File(path, "w") as file:
            file["a"] = [number] * number
        return number

    with pytest.warns(rememo.FileEffectWarning, match=r"path .*new\.h5.* nobody who was seen"):
        save("new.h5", 1)
    save("x.h5", 2)
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"] * 2
    assert told(lambda: memoize(save.__wrapped__, allow=["files"])("other.h5", 1)) == []


def test_a_file_that_goes_along_with_the_result_is_kept() -> None:
    @memoize
    def save(path: str) -> rememo.FileContents:
        with h5py.File(path, "w") as file:
            file["a"] = [3]
        return rememo.FileContents(path)

    assert told(lambda: save("new.h5")) == []
    Path("new.h5").unlink()
    assert save.would_hit("new.h5")
    save("new.h5")
    assert first("new.h5") == 3
