"""Files as arguments and results: `FileContents`."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rememo import FileContents

if TYPE_CHECKING:
    from rememo import Cache


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("data").write_text("one")


@pytest.mark.parametrize("comparison", ["content", "mtime", "crc32"])
def test_a_file_counts_by_what_it_holds(comparison: Any, rememo_cache: Cache) -> None:
    @rememo_cache.memoize(watch="off")
    def read(path: FileContents) -> str | None:
        return Path(path).read_text() if Path(path).exists() else None

    def call() -> tuple[bool, str | None]:
        passed = FileContents("data", comparison)
        return read.would_hit(passed), read(passed)

    assert [call(), call()] == [(False, "one"), (True, "one")]
    Path("data").write_text("two")
    os.utime("data", (5, 5))
    assert [call(), call()] == [(False, "two"), (True, "two")]
    Path("data").unlink()
    assert [call(), call()] == [(False, None), (True, None)]


def test_touching_counts_by_time_alone(rememo_cache: Cache) -> None:
    size = rememo_cache.memoize(lambda path: Path(path).stat().st_size, watch="off")
    for comparison, hits in (("content", True), ("crc32", True), ("mtime", False)):
        os.utime("data", (5, 5))
        size(FileContents("data", comparison))
        os.utime("data", (9, 9))
        assert size.would_hit(FileContents("data", comparison)) is hits


@pytest.mark.parametrize("comparison", ["content", "mtime", "crc32"])
def test_a_directory_counts_by_all_files_below_it(comparison: Any, rememo_cache: Cache) -> None:
    names = rememo_cache.memoize(
        lambda path: sorted(one.name for one in Path(path).iterdir()), watch="off"
    )
    Path("tree/deep").mkdir(parents=True)
    Path("tree/deep/x").write_text("x")
    assert names(FileContents("tree", comparison)) == ["deep"]
    assert names.would_hit(FileContents("tree", comparison))
    Path("tree/deep/x").write_text("y")
    os.utime("tree/deep/x", (5, 5))
    assert not names.would_hit(FileContents("tree", comparison))
    names(FileContents("tree", comparison))
    Path("tree/new").write_text("x")
    assert not names.would_hit(FileContents("tree", comparison))


def test_the_path_counts(rememo_cache: Cache) -> None:
    name = rememo_cache.memoize(lambda path: Path(path).name)
    Path("copy").write_text("one")
    assert name(FileContents("data")) == "data"
    assert name(FileContents("copy")) == "copy"


def test_it_is_a_path() -> None:
    path = FileContents(Path("a"), "mtime")
    assert os.fspath("x/" + path + ".csv") == "x/a.csv"
    assert ("x/" + path).comparison == "mtime"
    assert path.path == Path("a")
    assert path == FileContents("a", "mtime") != FileContents("a")
    assert len({path, FileContents("a", "mtime")}) == 1
    assert pickle.loads(pickle.dumps(path)) == path
    assert repr(path) == "FileContents('a')"


def test_what_makes_no_sense() -> None:
    with pytest.raises(TypeError, match="takes a path"):
        FileContents(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'content', 'mtime', 'crc32'"):
        FileContents("a", "size")  # type: ignore[arg-type]


def test_a_file_that_cannot_be_read_is_no_error_of_ours(rememo_cache: Cache) -> None:
    if os.geteuid() == 0:
        # Everything can be read: a directory in the place of a part of the path cannot be.
        path = "data/below"
    else:
        path = "data"
        Path("data").chmod(0)
    exists = rememo_cache.memoize(lambda path: Path(path).exists())
    with pytest.warns(UserWarning, match="without being cached"):
        assert exists(FileContents(path)) in {True, False}


def test_a_result_brings_its_file_back(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def make(text: str, target: str) -> FileContents:
        Path(target).write_text(text)
        Path(target).chmod(0o640)
        return FileContents(target)

    make("x" * 100_000, "out")
    Path("out").unlink()
    made = make("x" * 100_000, "out")
    assert Path(made).read_text() == "x" * 100_000
    assert stat.S_IMODE(Path("out").stat().st_mode) == 0o640
    assert make.cache_info().hits == 1
    # Of two results, each brings back its own.
    make("y", "out")
    make("x" * 100_000, "out")
    assert len(Path("out").read_text()) == 100_000
    assert make.cache_info().hits == 2


def test_a_file_that_holds_the_same_is_left_alone(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def make() -> FileContents:
        Path("out").write_text("x")
        return FileContents("out")

    make()
    os.utime("out", (5, 5))
    make()
    assert Path("out").stat().st_mtime == 5


def test_a_file_that_cannot_be_brought_back_is_made_anew(
    rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    @rememo_cache.memoize
    def make() -> FileContents:
        Path("out").mkdir(exist_ok=True) if Path("flag").exists() else Path("out").write_text("x")
        return FileContents("out")

    make()
    Path("out").unlink()
    Path("out").mkdir()
    with pytest.warns(UserWarning, match="cannot be done again"), pytest.raises(IsADirectoryError):
        make()
    assert [e["event"] for e in rememo_events][-2:] == ["degraded", "miss"]


def test_it_takes_room(rememo_cache: Cache, rememo_events: list[dict[str, Any]]) -> None:
    @rememo_cache.memoize(max_result_size="10 kB")
    def make() -> FileContents:
        Path("out").write_text("x" * 20_000)
        return FileContents("out")

    with pytest.warns(UserWarning, match=r"takes 19\.5 KiB"):
        make()
    assert [e["event"] for e in rememo_events] == ["miss", "not_stored"]
