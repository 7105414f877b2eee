"""The command shows what is stored, and steers it, while programs use the cache."""

from __future__ import annotations

import json
import os
import platform
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND
from rememo import Cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from command.conftest import Rememo


GC = ("gc", "--max-size", "1 KiB")
# What says to programs whether colour is wanted; `CI`, for the logs that a service draws.
ABOUT_COLOUR = {"TERM", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"}


def load(name: str) -> str:
    """An ordinary function."""
    return name * 3


def model(size: int) -> bytes:
    """One with large results."""
    return bytes(size)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """Where the command looks for it."""
    (tmp_path / "pyproject.toml").touch()
    with Cache(tmp_path / ".rememo") as cache:
        yield cache


def call_some(cache: Cache) -> None:
    """Three entries, two of them once more of use."""
    memoized, large = cache.memoize(load), cache.memoize(model, tag="large")
    for name in ("a", "b", "b"):
        memoized(name)
    large(50_000)
    large(50_000)
    assert cache.usage().entries == 3  # and uses are written down


def test_alone_it_sums_up(cache: Cache, command: Rememo) -> None:
    """Size, time saved, and functions."""
    call_some(cache)
    told = command().out
    assert re.search(r"3 entries, [\d.]+ KiB of at most", told)
    assert re.search(r"saved .* over 2 calls; 3 ran \(arguments changed: 1, new: 2\)", told)
    found = command.json()
    assert found["dir"] == str(cache.path)
    assert found["contents"]["entries"] == 3
    assert found["contents"]["total"]["hits"] == 2
    assert {row["function"].rsplit(".")[-1] for row in found["contents"]["functions"]} == {
        "load",
        "model",
    }


def test_functions_and_entries_are_listed(cache: Cache, command: Rememo) -> None:
    """By any order, and by name."""
    call_some(cache)
    functions = command.json("ls", "--sort", "size")["functions"]
    assert [row["function"].rsplit(".")[-1] for row in functions] == ["model", "load"]
    assert [row["entries"] for row in functions] == [1, 2]
    assert len(command.json("ls", "load")["entries"]) == 2
    assert len(command.json("ls", "*.load", "model")["entries"]) == 3
    assert len(command.json("ls", "-e", "--tag", "large")["entries"]) == 1
    assert len(command.json("ls", "-e", "-n", "2")["entries"]) == 2
    assert "model" in command("ls").out
    assert "nothing is stored for 'lod'" in command("ls", "lod", status=1).err
    assert "did you mean" in command("rm", "LOAD", status=1).err


def test_all_that_is_known_of_an_entry_is_shown(cache: Cache, command: Rememo) -> None:
    """By function or by the beginning of its key."""
    call_some(cache)
    (entry,) = command.json("show", "model")["entries"]
    assert entry["arguments"][0]["name"] == "size"
    assert entry["parts"][0]["kind"] == "function"
    assert entry["codec_name"] == "pickle"
    assert entry["object"]
    assert entry["uses"] == 2
    (same,) = command.json("show", entry["key"][:8])["entries"]
    assert same["key"] == entry["key"]
    told = command("show", "model", "--source").out
    assert "One with large results" in told
    assert entry["key"] in told


def test_who_made_a_result_is_shown(tmp_path: Path, command: Rememo) -> None:
    """Enough to say in a paper where it comes from, and neither what the program was given nor by
    whom.
    """
    train = tmp_path / "train.py"
    train.write_text(
        "import os, sys\n"
        "from rememo import memoize\n"
        "@memoize\n"
        "def fit(n):\n    return n\n"
        "fit(1)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    fit(2)\n"
        "    sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(os.getpid(), child)\n"
    )
    (tmp_path / "pyproject.toml").touch()
    ran = subprocess.run(
        [sys.executable, train, "--token=sesame"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        text=True,
    )
    entries = command.json("show", "fit")["entries"]
    processes = {entry["producer"].pop("process") for entry in entries}
    assert processes == {int(process) for process in ran.stdout.split()}
    machine = os.uname()
    version = platform.python_version()
    for entry in entries:
        assert entry["producer"] == {
            "software": f"rememo {metadata.version('rememo')}",
            "interpreter": f"CPython {version}",
            "program": "train",
            "platform": f"{machine.sysname} {machine.machine}",
            "host": machine.nodename,
        }
    told = command("show", "fit").out
    assert f"train, CPython {version}, rememo" in told
    assert f"{machine.nodename}, {machine.sysname}" in told
    stored = b"".join(file.read_bytes() for file in (tmp_path / ".rememo").rglob("*.mdb"))
    assert b"sesame" not in stored
    assert bytes(tmp_path) not in stored


def test_versions_and_numbers_are_shown_without_the_source(cache: Cache, command: Rememo) -> None:
    """A paper names them."""
    call_some(cache)
    (entry,) = command.json("show", "model")["entries"]
    details = {part["kind"]: part.get("details") for part in entry["parts"]}
    assert details["interpreter"] == f"cpython {platform.python_version()}"
    assert details["function"] is None
    assert not any("source" in part for part in entry["parts"])
    assert (
        f"interpreter python: cpython {platform.python_version()}" in command("show", "model").out
    )


def test_what_is_removed_is_a_miss_to_whoever_has_it_in_memory(
    cache: Cache, command: Rememo
) -> None:
    """In another process at once, and a dry run removes nothing."""
    memoized = cache.memoize(load)
    memoized("a")
    assert "would remove 1 entry" in command("rm", "load", "--dry-run").out
    assert memoized.would_hit("a")
    assert "removed 1 entry" in command("rm", "load").out
    assert not memoized.would_hit("a")
    memoized("a")
    assert memoized.would_hit("a")
    assert command.json("rm", "--all")["entries"][0]["function"].endswith("load")
    assert not memoized.would_hit("a")
    assert "say which entries" in command("rm", status=2).err


def test_what_is_pinned_stays_and_a_dry_run_says_what_goes(cache: Cache, command: Rememo) -> None:
    """What would go is what goes."""
    memoized = cache.memoize(model)
    for size in range(100_000, 100_005):
        memoized(size)
    pinned = command.json("ls", "model", "--sort", "name")["entries"][-1]["key"]
    assert command.json("pin", pinned[:16]) == {"pinned": True, "changed": 1, "entries": 1}
    assert "1 were so already" in command("pin", pinned[:16]).out
    dry = command.json("gc", "--max-size", "200 KiB", "--dry-run")
    assert dry["entries"] >= 3
    assert len(command.json("ls", "-e")["entries"]) == 5
    wet = command.json("gc", "--max-size", "200 KiB")
    assert (wet["entries"], wet["bytes_left"]) == (dry["entries"], dry["bytes_left"])
    left = command.json("ls", "-e")["entries"]
    assert len(left) == 5 - wet["entries"]
    assert [item["key"] for item in left if item["pinned"]] == [pinned]
    command("gc", "--max-size", "1 KiB")
    assert [item["key"] for item in command.json("ls", "-e")["entries"]] == [pinned]
    command("unpin", "model")
    command("gc", "--max-size", "1 KiB")
    assert command.json("ls", "-e")["entries"] == []
    assert "no size" in command("gc", "--max-size", "much", status=2).err


def test_statistics_are_shown_by_function_and_by_day(cache: Cache, command: Rememo) -> None:
    """Of all processes."""
    call_some(cache)
    found = command.json("stats")
    assert found["total"]["hits"] == 2
    assert found["total"]["misses"] == {"new": 2, "arguments changed": 1}
    (day,) = command.json("stats", "--by-day", "--days", "1")["rows"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day["day"])
    (row,) = command.json("stats", "load")["rows"]
    assert row["stored"] == 2
    assert "nothing was counted" in command("stats", "none", status=1).err


def test_a_healthy_cache_is_well(cache: Cache, command: Rememo) -> None:
    """And the self-test leaves nothing behind."""
    call_some(cache)
    found = command.json("doctor")
    assert found["healthy"]
    assert {check["verdict"] for check in found["checks"]} == {"fine"}
    assert list((cache.path / "tmp").iterdir()) == []
    assert command("doctor").out.endswith("all is well\n")


def test_damage_is_found(cache: Cache, command: Rememo) -> None:
    """Results that are gone are told of."""
    call_some(cache)
    (file,) = (path for path in (cache.path / "objects").rglob("*") if path.is_file())
    file.unlink()
    (check,) = (c for c in command.json("doctor")["checks"] if c["name"] == "leftovers")
    assert check["verdict"] == "note"
    assert check["found"] == "1 entries without their results"


def test_looking_makes_nothing(tmp_path: Path, command: Rememo) -> None:
    """Where there is no cache there is none afterwards."""
    for arguments in ((), ("ls",), ("stats",), ("config",), ("doctor",)):
        command(*arguments)
        assert list(tmp_path.iterdir()) == [], arguments
    for arguments in (("show", "f"), ("rm", "--all"), ("gc",), ("pin", "f")):
        assert "there is no cache" in command(*arguments, status=1).err
        assert list(tmp_path.iterdir()) == []


def test_caches_of_other_formats_are_left_alone(tmp_path: Path, command: Rememo) -> None:
    """It says so; so is what is no cache at all."""
    older = tmp_path / "older"
    older.mkdir()
    (older / "format").write_text("rememo 1\n")
    for arguments in ((), ("ls",), ("rm", "--all"), ("gc",), ("show", "f")):
        done = command("--dir", str(older), *arguments, status=3)
        assert "format 1" in done.err
        assert "Nothing was changed" in done.err
    (older / "format").write_text("rememo 99\n")
    assert "upgrade" in command("--dir", str(older), status=3).err
    assert not command.json("doctor", "--dir", str(older), status=1)["healthy"]
    (older / "format").write_text("thesis\n")
    assert "is not a cache" in command("--dir", str(older), status=3).err
    assert [path.name for path in tmp_path.iterdir()] == ["older"]
    assert [path.name for path in older.iterdir()] == ["format"]


def test_a_cache_that_anybody_could_write_to_is_not_read(cache: Cache, command: Rememo) -> None:
    """Unless its user trusts them."""
    call_some(cache)
    cache.path.chmod(0o777)
    assert "may be written to by everybody" in command("ls", status=3).err
    assert not command.json("doctor", status=1)["healthy"]
    assert "load" in command("ls", REMEMO_TRUST_OWNER="true").out
    cache.path.chmod(0o700)


def test_names_cannot_command_the_terminal(cache: Cache, command: Rememo) -> None:
    """Whatever a function is called."""
    exec_name = "evil\x1b[2J\u202e\nname"

    def evil(x: int) -> int:
        return x

    evil.__qualname__ = exec_name
    cache.memoize(evil)(1)
    told = command("ls", "--color", "never").out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert len(told.splitlines()) == 2
    assert exec_name in command.json("ls")["functions"][0]["function"]


def test_colour_is_for_terminals(cache: Cache, command: Rememo) -> None:
    """Or for who asks."""
    call_some(cache)
    assert "\x1b[" not in command("ls").out
    assert "\x1b[" in command("ls", "--color", "always").out
    assert "\x1b[" not in command("ls", "--color", "always", "--json").out


def test_a_reader_that_has_had_enough_is_no_error(cache: Cache, command: Rememo) -> None:
    """As `head` is."""
    memoized = cache.memoize(load)
    for number in range(2000):
        memoized(str(number))
    done = subprocess.run(
        f"{sys.executable.rsplit('/', 1)[0]}/rememo ls --entries | head -1",
        cwd=command.directory,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("ENTRY")
    assert done.stderr == ""


def test_it_works_while_a_program_stores_and_when_it_is_interrupted(
    cache: Cache, command: Rememo
) -> None:
    """The cache is whole afterwards: what was not removed still hits."""
    memoized = cache.memoize(load)
    memoized("first")
    stop = threading.Event()
    failed: list[BaseException] = []

    def store() -> None:
        number = 0
        try:
            while not stop.is_set():
                assert memoized(str(number)) == str(number) * 3
                number += 1
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=store)
    thread.start()
    try:
        for _ in range(5):
            command("ls")
            command("stats")
            running = subprocess.Popen(
                [COMMAND, "rm", "load", "--dir", str(cache.path)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            time.sleep(0.02)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=30)
            assert running.returncode in {0, 1, -signal.SIGINT}, told
            assert command.json("doctor")["healthy"]
    finally:
        stop.set()
        thread.join()
    assert not failed
    assert memoized("again") == "againagainagain"
    assert memoized.would_hit("again")
    command("rm", "load")
    assert not memoized.would_hit("again")


def test_what_can_only_be_read_is_shown_and_not_changed(
    cache: Cache, command: Rememo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On a file system that is mounted so."""
    call_some(cache)
    cache.close()
    here = command.directory
    mount = f"mount --bind {here} {here} && mount -o remount,ro,bind {here} && cd {here}"
    # As root of a namespace of its own, whoever runs the tests.
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mounted += [f'{mount} && exec "$@"', "sh"]

    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting needs privileges that this process does not have")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*mounted, str(COMMAND), *arguments], capture_output=True, text=True, check=False
        )

    assert "which can only be read here" in run().stdout
    assert len(json.loads(run("ls", "-e", "--json").stdout)["entries"]) == 3
    assert "model" in run("show", "model").stdout
    assert run("doctor").returncode == 0
    taken = ("import", str(tmp_path_factory.mktemp("elsewhere") / "a.zst"))
    assert run("export", taken[1]).stdout.startswith("exported 3 entries")
    assert run("verify").stdout.endswith("all is whole\n")
    for arguments in (
        ("rm", "load"),
        ("rm", "--all"),
        ("pin", "load"),
        GC,
        ("verify", "--repair"),
        taken,
    ):
        done = run(*arguments)
        assert done.returncode == 3
        assert "can only be read here" in done.stderr
    assert len(command.json("ls", "-e")["entries"]) == 3


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "CI": "true"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
    ],
    ids=str,
)
def test_a_terminal_says_whether_it_wants_colour(
    environment: dict[str, str], coloured: bool, cache: Cache, command: Rememo
) -> None:
    """What is asked for on the command line goes before that."""
    call_some(cache)
    assert ("\x1b[" in on_terminal(command, environment, "ls")) is coloured
    assert "\x1b[" not in on_terminal(command, environment, "ls", "--color", "never")
    assert "\x1b[" not in on_terminal(command, environment, "ls", "--json")
    assert "\x1b[" in on_terminal(command, environment, "ls", "--color", "always")
    # Lines are not broken to fit: a terminal does that, and programs see them whole.
    narrow = on_terminal(command, {**environment, "COLUMNS": "10"}, "ls", "--color", "never")
    assert len(narrow.splitlines()) == 3


@pytest.mark.parametrize("dry", [True, False], ids=["dry run", "in earnest"])
def test_how_far_gc_has_got_is_shown_on_terminals_only(
    cache: Cache, command: Rememo, dry: bool
) -> None:
    """On standard error, and gone at the end of it."""
    call_some(cache)
    arguments = (*GC, "--dry-run") if dry else GC
    drawn = on_terminal(command, {"TERM": "xterm"}, *arguments)
    assert re.search(r"letting go \[.*\] [\d.]+ KiB of [\d.]+ KiB", drawn), drawn
    assert command(*GC).err == ""


def on_terminal(command: Rememo, environment: dict[str, str], *arguments: str) -> str:
    """Returns what the command writes to a terminal."""
    plain = {name: value for name, value in os.environ.items() if name not in ABOUT_COLOUR}
    ours, theirs = pty.openpty()
    subprocess.run(
        [COMMAND, *arguments],
        cwd=command.directory,
        env={**plain, **environment},
        stdout=theirs,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    written = b""
    with suppress(OSError):
        while more := os.read(ours, 65536):
            written += more
    os.close(ours)
    return written.decode()
