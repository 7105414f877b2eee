"""A command that is interrupted in the middle of its work leaves the cache whole."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND
from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo

ENTRIES = 1500
# Of results that have files of their own.
SIZE = 20_000


def model(number: int) -> bytes:
    """One with results that are all different."""
    return number.to_bytes(4, "little") * (SIZE // 4)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that takes a while to go through."""
    directory = tmp_path_factory.mktemp("full")
    with Cache(directory / "cache") as cache:
        memoized = cache.memoize(model)
        for number in range(ENTRIES):
            memoized(number)
    return directory / "cache"


@pytest.mark.parametrize(
    "arguments",
    [("gc", "--max-size", "1 MiB"), ("verify", "--repair"), ("rm", "model"), ("rm", "--all")],
    ids=" ".join,
)
def test_it_leaves_the_cache_whole(
    arguments: tuple[str, ...], full: Path, tmp_path: Path, command: Rememo
) -> None:
    """With what was done so far, and the next one does the rest."""
    cache = tmp_path / "cache"
    subprocess.run(["cp", "-a", full, cache], check=True)
    started = time.monotonic()
    command("verify", "--dir", str(cache))
    delay = (time.monotonic() - started) / 4
    interrupted = 0
    while interrupted < 3:
        running = subprocess.Popen(
            [COMMAND, *arguments, "--dir", cache], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        time.sleep(delay)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
        # A signal that kills is 130 to a shell; and 1, that there was nothing left to do.
        assert running.returncode in {0, 1, -signal.SIGINT}, told
        found = command.json("verify", "--dir", str(cache))
        assert found["whole"], found
        assert found["entries"] <= ENTRIES
        if running.returncode == -signal.SIGINT:
            interrupted += 1
        else:
            # It was through by then: another time, sooner.
            delay /= 2
            shutil.rmtree(cache)
            subprocess.run(["cp", "-a", full, cache], check=True)
    # What was interrupted may leave files that nothing refers to.
    command("rm", "--all", "--dir", str(cache))
    command("gc", "--dir", str(cache))
    found = command.json("verify", "--dir", str(cache))
    assert (found["entries"], found["orphans"]["files"]) == (0, 0)
