"""The bound holds while many processes store, read and let go at once, and on a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

MODULE = """
import hashlib
from rememo import Cache

cache = Cache({directory!r}, max_size={bound})

@cache.memoize
def blank(number, size=50_000):
    return hashlib.sha256(str(number).encode()).digest() * (size // 32)

def is_right(number):
    digest = hashlib.sha256(str(number).encode()).digest()
    return blank(number) == digest * (50_000 // 32)
"""
BOUND = 3_000_000


def taken(directory: Path) -> int:
    """Bytes that a directory takes on the disk."""
    return sum(file.lstat().st_blocks * 512 for file in directory.rglob("*"))


def test_eight_processes_never_exceed_it(project: Project) -> None:
    """By what the index counts; by what the disk holds, once all is written and swept."""
    directory = str(project.store)
    project.write(filling=MODULE.format(directory=directory, bound=BOUND))
    workers = [
        project.start(
            f"""
            import random
            import filling
            random.seed({number})
            most, wrong = 0, 0
            for _ in range(150):
                # Popular ones, which others let go of meanwhile, and ones of its own.
                popular = random.random() < 0.5
                one = random.randrange(20) if popular else random.randrange(10**9)
                wrong += not filling.is_right(one)
                most = max(most, filling.cache.usage().size)
            out = [most, wrong]
            """
        )
        for number in range(8)
    ]
    for worker in workers:
        done = project.finish(worker)
        most, wrong = done.out
        assert wrong == 0
        assert most <= BOUND
        assert not done.warnings
        # One that was let go of is taken back while its file is still there.
        assert set(done.names) <= {"miss", "hit", "stored", "evicted", "adopted"}
        assert "evicted" in done.names
    with Cache(project.store) as cache:
        usage = cache.usage()
        assert BOUND * 0.9 < usage.size <= BOUND
        objects = [file for file in (project.store / "objects").rglob("*") if file.is_file()]
        assert len(objects) == usage.files
    # The directories of the objects, and where these are made.
    index = taken(project.store / "index")
    assert taken(project.store) - index < BOUND + 1_200_000
    # Free pages as well: as many as were in use while eight wrote and held on to older ones.
    assert index < 2_000_000


def test_killed_processes_leave_the_counts_right(project: Project) -> None:
    """They are part of the same transactions as the entries."""
    directory = str(project.store)
    project.write(filling=MODULE.format(directory=directory, bound=BOUND))
    for number in range(4):
        worker = project.start(
            f"""
            import filling
            for one in range({number} * 10**6, 10**9):
                filling.is_right(one)
                pathlib.Path("begun{number}").touch()
            """
        )
        project.wait_for(f"begun{number}")
        worker.kill()
        worker.wait()
    with Cache(project.store) as cache:
        usage = cache.usage()
        assert 0 < usage.size <= BOUND
        cache.clear()
        assert (cache.usage().entries, cache.usage().files) == (0, 0)


def test_a_full_disk_makes_room(project: Project, tmp_path: Path) -> None:
    """What saves least goes, and new results are kept."""
    disk = tmp_path / "disk"
    disk.mkdir()
    project.write(filling=MODULE.format(directory=str(disk / "cache"), bound=10**9))
    done = project.run(
        """
        import filling
        out = [filling.is_right(number) for number in range(200)]
        out = [all(out), filling.cache.usage().entries]
        """,
        under=project.with_a_disk(disk, "4m"),
    )
    right, entries = done.out
    assert right
    assert entries > 10
    assert "evicted" in done.names
    assert done.names.count("not_stored") == 0
    assert not done.warnings
