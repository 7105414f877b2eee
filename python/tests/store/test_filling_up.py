"""The disk fills up in the midst of making the index smaller."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

COUNT = 4000
ROOM = "64m"

# Half of what is stored is cleared, so that there is room to give back.
FILL = f"""
import m
from rememo import Cache
cache = Cache("disk/cache", max_size="1 GiB")
text = cache.memoize(m.text.__wrapped__)
filled = [text(n, 300) for n in range({COUNT})]
text(-1, 300)
dropped = cache.memoize(m.double.__wrapped__)
assert [dropped(n) for n in range({COUNT})]
dropped.cache_clear()
cache.commit()
cache.close()
"""

# Stops whoever makes the copy once there is some of it, and leaves of the disk what all of the copy
# needs and some bytes more, or fewer. Whoever was too quick for that is let go on, and tried again.
IN_THE_MIDST = """
import shutil, signal, subprocess

COPY = "disk/cache/compacted/data.mdb"

def taken(path):
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0

def needed_for_a_copy():
    shutil.copytree("disk/cache", "copy")
    with Cache("copy") as copy:
        copy.compact()
    return taken("copy/index/data.mdb")

def leave(left):
    found = os.statvfs("disk")
    filler = os.open("disk/filler", os.O_WRONLY | os.O_CREAT, 0o600)
    os.posix_fallocate(filler, 0, found.f_bavail * found.f_frsize - left)
    os.close(filler)

def run_and_leave(command, needed, spare):
    for attempt in range(50):
        working = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
        while working.poll() is None and not taken(COPY):
            pass
        working.send_signal(signal.SIGSTOP)
        copied = taken(COPY)
        is_in_the_midst = 0 < copied < needed
        if is_in_the_midst:
            leave(max(0, needed + spare - copied))
        working.send_signal(signal.SIGCONT)
        said = "".join(working.communicate())
        if is_in_the_midst:
            return working.returncode, said
    raise AssertionError("it was never met in the midst of it")
"""

COMPACT = """
from rememo import Cache
try:
    print(Cache("disk/cache").compact() > 0)
except OSError as error:
    print(error)
"""


def fill_the_disk_while(project: Project, command: list[str], spare: int) -> dict[str, Any]:
    """Says what came of it, and of the store afterwards."""
    disk = project.directory / "disk"
    disk.mkdir()
    done = project.run(
        f"""{FILL}{IN_THE_MIDST}
before = os.stat("disk/cache/index/data.mdb").st_ino
status, said = run_and_leave({command!r}, needed_for_a_copy(), {spare})
out = {{
    "status": status,
    "said": said,
    "is_old": os.stat("disk/cache/index/data.mdb").st_ino == before,
    "left": os.path.exists("disk/cache/compacted"),
}}
del events[:]
cache = Cache("disk/cache")
text = cache.memoize(m.text.__wrapped__)
out["same"] = [text(n, 300) for n in range({COUNT})] == filled
out["full"] = sorted({{event["event"] for event in events}})
os.unlink("disk/filler")
del events[:]
text(-2, 300)
cache.commit()
out["free"] = [event["event"] for event in events]
out["whole"] = cache.verify().whole
out["again"] = cache.compact()
""",
        under=project.with_a_disk(disk, ROOM),
    )
    assert not done.warnings
    found: dict[str, Any] = done.out
    return found


def goes_on(found: dict[str, Any]) -> bool:
    """Whether everything hits on the full disk, and new results are stored once there is room."""
    return (
        found["status"] == 0
        and not found["left"]
        and found["same"]
        and found["full"] == ["hit"]
        and found["free"] == ["miss", "stored"]
        and found["whole"]
    )


@pytest.mark.parametrize("spare", [-(1 << 21), -4096, 4096, 16 << 10])
def test_the_index_stays_as_it_was(project: Project, spare: int) -> None:
    """Wherever the room ends, in the copy or in what comes beside it; the error says why."""
    found = fill_the_disk_while(project, [sys.executable, "-c", COMPACT], spare)
    assert goes_on(found), found
    assert found["is_old"]
    assert "stays as large as it is: there is no room for a copy of it" in found["said"]
    assert found["again"] > 1 << 20, "with room, it is done"


def test_with_just_enough_room_it_is_made_smaller(project: Project) -> None:
    """Though the disk is full right afterwards."""
    found = fill_the_disk_while(project, [sys.executable, "-c", COMPACT], 160 << 10)
    assert goes_on(found), found
    assert not found["is_old"]
    assert found["said"] == "True\n"


def test_the_command_goes_on_and_says_so(project: Project) -> None:
    """`rememo gc` does the rest of what it is for."""
    command = [str(Path(sys.executable).with_name("rememo")), "gc", "--dir", "disk/cache"]
    found = fill_the_disk_while(project, command, -4096)
    assert goes_on(found), found
    assert found["is_old"]
    assert "warning: the index of" in found["said"]
    assert "there is no room for a copy of it" in found["said"]
    assert "nothing needs to go" in found["said"]
