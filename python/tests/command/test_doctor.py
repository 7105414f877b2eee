"""The doctor looks at what the machine gives to a cache, and says how to mend it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND
from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo


def label(name: str) -> str:
    """An ordinary function."""
    return name * 3


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """With a result in it."""
    with Cache(tmp_path / "cache") as cache:
        cache.memoize(label)("a")
    return tmp_path / "cache"


def checks(told: str) -> dict[str, dict[str, str]]:
    """Returns what was looked at, by name."""
    return {check["name"]: check for check in json.loads(told)["checks"]}


@pytest.mark.parametrize(
    ("limit", "told"),
    [("-n 40", "ulimit -n"), ("-v 4000000", "ulimit -v"), ("-f 100000", "ulimit -f")],
)
def test_limits_that_are_low_are_told_of(cache: Path, limit: str, told: str) -> None:
    """With how to raise them; a cache works all the same."""
    done = subprocess.run(
        [
            "bash",
            "-c",
            f'ulimit {limit} && exec "$@"',
            "-",
            COMMAND,
            "doctor",
            "--json",
            "--dir",
            cache,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = checks(done.stdout)
    assert found["limits"]["verdict"] == "note"
    assert told in found["limits"]["advice"]
    assert {check["verdict"] for name, check in found.items() if name != "limits"} == {"fine"}


def test_a_file_that_may_not_grow_is_an_error_and_does_not_kill(
    cache: Path, tmp_path: Path
) -> None:
    """And of an archive, nothing is left."""
    full = tmp_path / "full"
    with Cache(full) as many:
        noise = many.memoize(lambda number: label(str(number) * 20_000))
        for number in range(200):
            noise(number)
    limited = ["bash", "-c", 'ulimit -f 1 && exec "$@"', "-", str(COMMAND)]
    done = subprocess.run(
        [*limited, "export", tmp_path / "a.zst", "--dir", full],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "File too large" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "full"]


def test_what_is_no_local_disk_is_wrong(command: Rememo) -> None:
    """Before a cache is made there, too."""
    done = command("doctor", "--json", "--dir", "/proc/none", status=1)
    found = checks(done.out)["file system"]
    assert found["verdict"] == "wrong"
    assert "0x9fa0" in found["found"]
    assert "REMEMO_DIR" in found["advice"]


def test_files_and_directories_are_told_apart(cache: Path, tmp_path: Path, command: Rememo) -> None:
    """A file in the place of a cache is no cache."""
    file = tmp_path / "thesis.txt"
    file.write_text("thesis")
    assert "no directory" in command("ls", "--dir", str(file), status=3).err
    assert "no directory" in command("doctor", "--dir", str(file), status=1).out
    assert file.read_text() == "thesis"
