"""Large files that a function reads: told by their stamps, for to read them takes too long."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import File

if TYPE_CHECKING:
    from rememo import Cache

pytestmark = pytest.mark.soundness

SIZE = 20 << 30


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 20 GB, of which next to nothing is on disk."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(b"0123456789")
        file.truncate(SIZE)
    return path


def test_ten_bytes_of_a_large_file_are_cached_without_reading_all_of_it(
    rememo_cache: Cache, large: Path
) -> None:
    @rememo_cache.memoize
    def f(path: str) -> bytes:
        with Path(path).open("rb") as file:
            return file.read(10)

    before = bytes_looked_at()
    assert f(str(large)) == f(str(large)) == b"0123456789"
    assert bytes_looked_at() - before < SIZE / 100
    assert f.cache_info()[:2] == (1, 1)


def bytes_looked_at() -> int:
    """Bytes that this process has read, or has had mapped into its memory as it looked at them."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return int(counts["rchar"]) + faults * resource.getpagesize()


def test_one_that_changes_while_the_call_runs_keeps_the_result_out(
    rememo_cache: Cache, large: Path
) -> None:
    read, written = threading.Event(), threading.Event()

    def other() -> None:
        read.wait()
        write_at(large, 0, b"x")
        written.set()

    @rememo_cache.memoize
    def f(path: str, read: threading.Event, written: threading.Event) -> bytes:
        with Path(path).open("rb") as file:
            found = file.read(10)
        read.set()
        written.wait()
        return found

    threading.Thread(target=other).start()
    arguments = str(large), rememo.Ignore(read), rememo.Ignore(written)
    with pytest.warns(match="this changed while it was used: stamp of the large file"):
        assert f(*arguments) == b"0123456789"
    assert f(*arguments) == b"x123456789"


CHANGES: dict[str, Any] = {
    "a byte": lambda path: write_at(path, 0, b"x"),
    "a byte at the end": lambda path: write_at(path, SIZE - 1, b"x"),
    "a byte, with the times put back": lambda path: with_times_put_back(path),
    "another file in its place": lambda path: replace(path),
    "nothing but the times": lambda path: os.utime(path),
}


def write_at(path: Path, at: int, what: bytes) -> None:
    """Writes within a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def with_times_put_back(path: Path) -> None:
    """Writes within a file so that it was modified when it was before."""
    before = path.stat()
    write_at(path, 0, b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Puts another file there that is as long and was modified at the same time."""
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"other file")
    os.truncate(other, SIZE)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_a_large_file_is_noticed(
    rememo_cache: Cache, large: Path, change: str
) -> None:
    @rememo_cache.memoize
    def f(path: str) -> bytes:
        with Path(path).open("rb") as file:
            return file.read(10)

    f(str(large))
    CHANGES[change](large)
    assert f(str(large)) == f.__wrapped__(str(large))
    assert f.cache_info().misses == 2


def test_what_a_large_file_holds_counts_where_it_is_said_to(
    rememo_cache: Cache, tmp_path: Path
) -> None:
    path = tmp_path / "declared"
    path.write_bytes(b"0123456789")
    os.truncate(path, (1 << 30) + 1)

    @rememo_cache.memoize(depends_on=[File(path)])
    def f() -> bytes:
        with path.open("rb") as file:
            return file.read(10)

    f()
    os.utime(path)
    assert f.would_hit()
    write_at(path, 20, b"x")
    assert not f.would_hit()
