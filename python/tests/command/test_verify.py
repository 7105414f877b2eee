"""What is not whole is told of and, on request, mended; the command reads no pickles for that."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND
from rememo import Cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command.conftest import Rememo


def model(size: int) -> bytes:
    """One with large results."""
    return bytes(size)


def label(name: str) -> str:
    """One with small results."""
    return name * 2


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """Three large results and two small ones, where the command looks for them."""
    (tmp_path / "pyproject.toml").touch()
    with Cache(tmp_path / ".rememo") as cache:
        large, small = cache.memoize(model), cache.memoize(label)
        for size in (50_000, 60_000, 70_000):
            large(size)
        small("a"), small("b")
        assert cache.usage().entries == 5
        yield cache


def objects(cache: Cache) -> list[Path]:
    """The files of results."""
    return sorted(cache.path.glob("objects/*/*"))


def stray(cache: Cache) -> Path:
    """A file that nothing refers to."""
    path = cache.path / "objects" / "ab" / ("c" * 62)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(b"left")
    return path


def test_a_cache_that_was_used_is_whole(cache: Cache, command: Rememo) -> None:
    """And mending it changes nothing."""
    for arguments in (("verify",), ("verify", "--repair")):
        assert command.json(*arguments) == {
            "whole": True,
            "repaired": False,
            "entries": 5,
            "unreadable": 0,
            "damaged": 0,
            "lost": 0,
            "miscounted": 0,
            "orphans": {"files": 0, "bytes": 0},
        }
        assert command(*arguments).out == "looked at 5 entries\nall is whole\n"


def test_damage_is_told_of_by_the_status_and_mended_on_request(
    cache: Cache, command: Rememo
) -> None:
    """One bit is enough; looking changes nothing, and the rest still hits."""
    changed, gone, _ = objects(cache)
    content = bytearray(changed.read_bytes())
    content[-1] ^= 1
    changed.write_bytes(content)
    gone.unlink()
    for _ in range(2):
        found = command.json("verify", status=1)
        assert (found["damaged"], found["lost"], found["whole"]) == (1, 1, False)
    told = command("verify", status=1).out
    assert "wrong  1 entry with results that are not what was written" in told
    assert "wrong  1 entry without their results" in told
    assert "rememo verify --repair" in told
    assert "mended" in command("verify", "--repair").out
    assert command.json("verify") | {"orphans": None} == {
        "whole": True,
        "repaired": False,
        "entries": 3,
        "unreadable": 0,
        "damaged": 0,
        "lost": 0,
        "miscounted": 0,
        "orphans": None,
    }
    large, small = cache.memoize(model), cache.memoize(label)
    assert sum(large.would_hit(size) for size in (50_000, 60_000, 70_000)) == 1
    assert small.would_hit("a")
    assert small.would_hit("b")


def test_files_that_nothing_refers_to_are_told_of_and_go(cache: Cache, command: Rememo) -> None:
    """By gc, which says so first; nothing else goes."""
    kept = objects(cache)
    path = stray(cache)
    found = command.json("verify")
    assert (found["whole"], found["orphans"]) == (True, {"files": 1, "bytes": 4})
    assert "`rememo gc` removes them" in command("verify").out
    dry = command("gc", "--dry-run").out
    assert "1 file that nothing refers to, 4 B, would go" in dry
    assert path.exists()
    collected = command.json("gc")
    assert (collected["orphans"], collected["entries"]) == ({"files": 1, "bytes": 4}, 0)
    assert objects(cache) == kept
    assert command.json("gc")["orphans"]["files"] == 0


def test_gc_gives_the_free_room_of_the_index_back(cache: Cache, command: Rememo) -> None:
    """It says so first, and how much."""
    small = cache.memoize(label)
    for number in range(3000):
        small(str(number))
    cache.clear()
    index = cache.path / "index" / "data.mdb"
    before = index.stat().st_blocks * 512
    dry = command.json("gc", "--dry-run")["index_bytes_returned"]
    assert before / 2 < dry <= before
    assert "back to the disk" in command("gc", "--dry-run").out
    assert index.stat().st_blocks * 512 == before
    assert command.json("gc")["index_bytes_returned"] == before - index.stat().st_blocks * 512
    assert command.json("gc")["index_bytes_returned"] == 0
    assert "back to the disk" not in command("gc").out
    small("1")
    assert small.would_hit("1")


def test_gc_takes_nothing_of_what_others_are_storing(cache: Cache, command: Rememo) -> None:
    """Whatever was stored meanwhile is whole, and hits."""
    large = cache.memoize(model)
    failed: list[BaseException] = []

    def store() -> None:
        try:
            for size in range(20_000, 20_200):
                assert large(size) == bytes(size)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=store)
    thread.start()
    while thread.is_alive():
        command("gc")
        command("verify")
    thread.join()
    assert not failed
    assert cache.verify().whole
    assert all(large.would_hit(size) for size in range(20_000, 20_200))


def test_what_is_done_so_far_is_shown_on_terminals_only(cache: Cache, command: Rememo) -> None:
    """On standard error, so that output can be used."""
    assert command("verify").err == ""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [COMMAND, "verify", "--json"],
        cwd=command.directory,
        env={**os.environ, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.stdout.startswith(b"{")
    assert "verifying [" in drawn
    assert "of 5" in drawn
