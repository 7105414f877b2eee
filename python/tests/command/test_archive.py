"""Results go from one machine's cache to another's, whole or not at all, and touch nothing else."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import blake3
import pyarrow as pa
import pytest
from command.conftest import COMMAND, Rememo
from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
import pathlib, rememo, json, sys

misses = 0
def note(event):
    global misses
    misses += 1
rememo._core.subscribe(note, ["miss"])

@rememo.memoize
def large(size):
    return bytes(size)

@rememo.memoize(tag="small")
def small(name):
    return name * 2

@rememo.memoize
def lines():
    return pathlib.Path("data.txt").read_text().splitlines()

def work():
    out = [len(large(size)) for size in (50_000, 400_000, 400_000)]
    return [out, small("a"), small("b"), lines(), misses]

if __name__ == "__main__":
    print(json.dumps(work()))
"""
RIGHT = [[50_000, 400_000, 400_000], "aa", "bb", ["one", "two"]]


def noise_of(size: int) -> bytes:
    """What does not become smaller."""
    return random.Random(size).randbytes(size)


class Machine(NamedTuple):
    """A directory with a program of its own, and the command in it."""

    path: Path
    rememo: Rememo

    def run(self) -> list[Any]:
        """What the program found, and how many of its calls ran."""
        done = subprocess.run(
            [sys.executable, "program.py"],
            cwd=self.path,
            env={name: text for name, text in os.environ.items() if "REMEMO" not in name},
            capture_output=True,
            check=True,
        )
        *found, misses = json.loads(done.stdout)
        assert found == RIGHT
        return misses

    def entries(self) -> int:
        """How many entries are stored; none where there is no cache."""
        contents = self.rememo.json()["contents"]
        return contents["entries"] if contents else 0


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Machine, Machine]:
    """One whose cache has all results, and one that has none."""
    made = []
    for name in ("here", "elsewhere"):
        path = tmp_path / name
        path.mkdir()
        (path / "pyproject.toml").touch()
        (path / "program.py").write_text(MODULE)
        (path / "data.txt").write_text("one\ntwo\n")
        made.append(Machine(path, Rememo(path)))
    here, elsewhere = made
    assert here.run() == 5
    return here, elsewhere


class Member(NamedTuple):
    """What an archive holds under a name."""

    name: str
    content: bytes
    kind: bytes = tarfile.REGTYPE
    size: int | None = None


def unpacked(archive: Path) -> bytes | None:
    """What is compressed in it; none if it is damaged."""
    try:
        return pa.input_stream(archive, compression="zstd").read()
    except OSError:
        return None


def members(archive: Path) -> list[Member]:
    """All of them, but for the checksum at the end."""
    raw = unpacked(archive)
    assert raw
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        found = [Member(info.name, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]
    assert found.pop().name == "checksum"
    return found


def pack(archive: Path, holds: list[Member], *, after: bytes = bytes(1024)) -> None:
    """Writes an archive whose checksum is right, whatever it holds."""
    digest = blake3.blake3()
    for member in holds:
        name = member.name.encode()
        size = len(member.content) if member.size is None else member.size
        digest.update(len(name).to_bytes(8, "little") + name + size.to_bytes(8, "little"))
        digest.update(member.content)
    entries = sum(member.name.startswith("entry/") for member in holds)
    checksum = json.dumps({"entries": entries, "blake3": digest.hexdigest()}).encode()
    raw = io.BytesIO()
    for member in [*holds, Member("checksum", checksum)]:
        info = tarfile.TarInfo(member.name)
        info.type = member.kind
        info.size = len(member.content) if member.size is None else member.size
        info.linkname = "/etc/passwd" if member.kind != tarfile.REGTYPE else ""
        raw.write(info.tobuf(tarfile.GNU_FORMAT))
        raw.write(member.content + bytes(-len(member.content) % 512))
    write(archive, raw.getvalue() + after)


def write(archive: Path, raw: bytes) -> None:
    """Compresses it."""
    with pa.output_stream(archive, compression="zstd") as out:
        out.write(raw)


def refused(machine: Machine, archive: Path, why: str = "") -> None:
    """Nothing of it is taken in, and nothing is left behind."""
    done = machine.rememo("import", str(archive), status=1)
    assert "nothing was imported" in done.err
    assert why in done.err
    machine.rememo("import", "--dry-run", str(archive), status=1)
    assert not (machine.path / ".rememo").exists()


def test_what_one_machine_computed_hits_on_the_other(machines: tuple[Machine, Machine]) -> None:
    """Exported there and imported here; again, it is here already."""
    here, elsewhere = machines
    archive = here.path / "results.tar.zst"
    done = here.rememo.json("export", str(archive))
    assert done["entries"] == 5
    assert done["left_out"] == 0
    assert archive.stat().st_mode & 0o777 == 0o600
    assert done["file_bytes"] == archive.stat().st_size
    whole = elsewhere.rememo("import", "--dry-run", str(archive)).out
    assert "it is whole: 5 entries" in whole
    assert not (elsewhere.path / ".rememo").exists()
    found = elsewhere.rememo.json("import", str(archive))
    assert (found["entries"], found["new"], found["present"]) == (5, 5, 0)
    assert (
        "imported 0 of 5 entries; 5 were here already"
        in elsewhere.rememo("import", str(archive)).out
    )
    assert elsewhere.run() == 0
    # Who made them is known there, too.
    (made, kept) = (machine.rememo.json("show", "lines") for machine in machines)
    assert kept["entries"][0]["producer"] == made["entries"][0]["producer"]
    assert kept["entries"][0]["producer"]["process"]
    assert elsewhere.rememo.json("verify")["whole"]
    assert here.run() == 0
    # What was removed is not in the way of what comes from outside.
    elsewhere.rememo("rm", "--all")
    assert elsewhere.rememo.json("import", str(archive))["new"] == 5
    assert elsewhere.run() == 0


def test_an_archive_of_results_with_what_they_read_hits_where_that_is_the_same(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    """In a cache beside the first one; a file that differs is a miss."""
    here, _ = machines
    here.rememo("export", "results.tar.zst")
    (here.path / ".rememo").rename(tmp_path / "away")
    here.rememo("import", "results.tar.zst")
    assert here.run() == 0
    (here.path / ".rememo").rename(tmp_path / "away too")
    # The same length, inode and time of modification: only the content tells.
    data = here.path / "data.txt"
    times = data.stat()
    with data.open("r+") as file:
        file.write("One")
    os.utime(data, ns=(times.st_atime_ns, times.st_mtime_ns))
    here.rememo("import", "results.tar.zst")
    with Cache(here.path / ".rememo"):
        why = subprocess.run(
            [sys.executable, "-c", "import program; print(program.lines.would_hit())"],
            cwd=here.path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert why.stdout == "False\n"


def test_a_selection_is_what_is_exported(machines: tuple[Machine, Machine]) -> None:
    """By function, entry or tag; an archive is written over on request only."""
    here, elsewhere = machines
    assert here.rememo.json("export", "a.zst", "large")["entries"] == 2
    assert here.rememo.json("export", "b.zst", "--tag", "small")["entries"] == 2
    assert "did you mean" in here.rememo("export", "c.zst", "lar", status=1).err
    assert "is there already" in here.rememo("export", "a.zst", status=2).err
    elsewhere.rememo("import", str(here.path / "a.zst"))
    assert elsewhere.entries() == 2
    here.rememo("export", "a.zst", "--force")
    elsewhere.rememo("import", str(here.path / "a.zst"))
    assert elsewhere.entries() == 5
    here.rememo("export", "d.zst")
    assert (here.path / "d.zst").read_bytes() == (here.path / "a.zst").read_bytes()
    assert "No such file" in elsewhere.rememo("import", "none.zst", status=1).err
    assert "it is not a file" in elsewhere.rememo("import", ".", status=1).err


def test_one_bit_or_a_missing_end_is_enough_to_refuse_all_of_it(
    machines: tuple[Machine, Machine],
) -> None:
    """In what is compressed and in what is not."""
    here, elsewhere = machines
    archive = here.path / "a.zst"
    here.rememo("export", "a.zst")
    content = archive.read_bytes()
    raw = unpacked(archive)
    chance = random.Random(3)
    for _ in range(40):
        broken = bytearray(content)
        at = chance.randrange(len(broken))
        broken[at] ^= 1 << chance.randrange(8)
        archive.write_bytes(broken)
        # A few bits of what is compressed mean nothing to anybody.
        if unpacked(archive) != raw:
            refused(elsewhere, archive)
        archive.write_bytes(content[: chance.randrange(len(content))])
        refused(elsewhere, archive)
    full = [at for at in range(0, len(raw) - 10_240, 512) if any(raw[at : at + 512])]
    assert len(full) > 10
    for at in full:
        broken = bytearray(raw)
        broken[at + chance.randrange(100)] ^= 1
        write(archive, bytes(broken))
        refused(elsewhere, archive)
    for text in (b"", b"not an archive", bytes(100_000)):
        archive.write_bytes(text)
        refused(elsewhere, archive)


def test_no_name_or_link_leads_anywhere(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    """Even where the checksum is right."""
    here, elsewhere = machines
    archive = here.path / "a.zst"
    here.rememo("export", "a.zst")
    good = members(archive)
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    names = [
        "../evil",
        "/tmp/evil",
        "objects/../../evil",
        "state/../evil",
        "entry",
        "",
        "evil\x1b[2J",
    ]
    names += ["object/" + "a" * 200, "rememo-archive", "state/" + "f" * 63, "entry/" + "f" * 64]
    hostile = [Member(name, b"x") for name in names]
    state = good[1].name
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
    hostile += [Member(state, b"", kind) for kind in kinds]
    hostile += [Member(state, b"x" * 99, kind) for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE)]
    hostile += [Member("././@LongLink", b"x" * 300, tarfile.GNUTYPE_LONGNAME)]
    for member in hostile:
        for at in (1, 2, len(good)):
            pack(archive, [*good[:at], member, *good[at:]])
            done = elsewhere.rememo("import", str(archive), status=1)
            assert "nothing was imported" in done.err
            assert "\x1b" not in done.err
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_sizes_are_not_believed(machines: tuple[Machine, Machine]) -> None:
    """What is said to be huge takes no room, and what is takes no memory."""
    here, elsewhere = machines
    archive = here.path / "a.zst"
    here.rememo("export", "a.zst")
    good = members(archive)
    for at, member in enumerate(good):
        for size in (2**60, 2**36, len(member.content) + 1, max(len(member.content) - 1, 0)):
            changed = [*good[:at], member._replace(size=size), *good[at + 1 :]]
            pack(archive, changed)
            refused(elsewhere, archive)
    bomb = Member("object/" + "f" * 64, bytes(600 << 20))
    pack(archive, [*good[:2], bomb, *good[2:]])
    assert archive.stat().st_size < 1 << 20
    done = subprocess.run(
        ["prlimit", f"--data={200 << 20}", COMMAND, "import", str(archive)],
        cwd=elsewhere.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "not a container" in done.stderr
    assert not (elsewhere.path / ".rememo").exists()


def test_what_does_not_belong_together_is_refused(machines: tuple[Machine, Machine]) -> None:
    """An entry without its state or result, a result of another name, and what was cut short."""
    here, elsewhere = machines
    archive = here.path / "a.zst"
    here.rememo("export", "a.zst")
    good = members(archive)
    at = {
        kind: [n for n, m in enumerate(good) if m.name.startswith(kind)]
        for kind in ("state", "object", "entry")
    }
    first, second = at["object"][:2]
    swapped = [*good]
    swapped[first] = good[first]._replace(content=good[second].content)
    lone = [member for n, member in enumerate(good) if n not in at["state"]]
    bare = [member for n, member in enumerate(good) if n not in at["object"]]
    twice = [*good, good[at["entry"][0]]]
    longer = [*good]
    longer[at["entry"][0]] = good[at["entry"][0]]._replace(
        content=good[at["entry"][0]].content + b"x"
    )
    mixed = [*good]
    one, other = at["state"][:2]
    mixed[one], mixed[other] = good[other], good[one]
    for hostile in (swapped, lone, bare, twice, longer, mixed, good[1:], [*good, good[0]], []):
        pack(archive, hostile)
        refused(elsewhere, archive)
    pack(archive, good, after=bytes(1024) + b"more")
    refused(elsewhere, archive, "it goes on after its end")
    pack(archive, good, after=bytes(10 << 20))
    refused(elsewhere, archive, "it goes on after its end")
    pack(archive, good)
    elsewhere.rememo("import", str(archive))
    assert elsewhere.run() == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rememo_archive": 2}, "cannot use"),
        ({"store": 1}, "have both machines run the same version"),
        ({"keys": 0}, "have both machines run the same version"),
        ({"machine": "linux pdp11"}, "were computed on linux pdp11"),
    ],
)
def test_what_could_not_be_used_or_trusted_here_is_refused(
    machines: tuple[Machine, Machine], change: dict[str, Any], told: str
) -> None:
    """Results of another format, and of machines that may compute otherwise."""
    here, elsewhere = machines
    archive = here.path / "a.zst"
    here.rememo("export", "a.zst")
    head, *rest = members(archive)
    content = json.dumps(json.loads(head.content) | change).encode()
    pack(archive, [head._replace(content=content), *rest])
    refused(elsewhere, archive, told)


def test_damaged_results_stay_at_home(machines: tuple[Machine, Machine]) -> None:
    """The rest goes, and the status says that it is not all."""
    here, elsewhere = machines
    path = next((here.path / ".rememo").glob("objects/*/*"))
    path.write_bytes(path.read_bytes()[:-1])
    done = here.rememo.json("export", "a.zst", status=1)
    assert (done["entries"], done["left_out"]) == (4, 1)
    elsewhere.rememo("import", str(here.path / "a.zst"))
    assert elsewhere.entries() == 4


def test_a_cache_takes_no_more_than_it_may_hold(machines: tuple[Machine, Machine]) -> None:
    """What would not fit alone is passed over."""
    here, elsewhere = machines
    here.rememo("export", "a.zst")
    with Cache(elsewhere.path / ".rememo", max_size=300_000) as cache:
        assert cache.usage().entries == 0
        found = elsewhere.rememo.json("import", str(here.path / "a.zst"))
        assert (found["new"], found["too_large"]) == (4, 1)
        assert "REMEMO_MAX_SIZE" in elsewhere.rememo("import", str(here.path / "a.zst")).err
    assert elsewhere.rememo.json("verify")["whole"]


def fill(project: Path, sizes: range) -> None:
    """Stores results of so many bytes."""
    (project / "pyproject.toml").touch()
    with Cache(project / ".rememo") as cache:
        noise = cache.memoize(noise_of)
        for size in sizes:
            noise(size)
        assert cache.usage().entries == len(sizes)


def test_an_export_that_is_interrupted_leaves_no_file(tmp_path: Path, command: Rememo) -> None:
    """Neither half of it nor what it was written into."""
    fill(tmp_path, range(20_000_000, 20_000_008))
    running = subprocess.Popen(
        [COMMAND, "export", "a.zst"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not any(path.stat().st_size for path in tmp_path.glob(".rememo-export-*")):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert (running.returncode, told) == (130, "error: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".rememo", "pyproject.toml"]


def test_an_import_that_is_interrupted_leaves_a_whole_cache(
    tmp_path: Path, command: Rememo
) -> None:
    """With what it had taken in; the rest comes with the next one."""
    fill(tmp_path, range(3_000_000, 3_000_060))
    command("export", "a.zst")
    elsewhere = tmp_path / "elsewhere"
    for signum in (signal.SIGINT, signal.SIGKILL):
        importing = [COMMAND, "import", "a.zst", "--dir", str(elsewhere)]
        running = subprocess.Popen(importing, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while len(list(elsewhere.glob("objects/*/*"))) < 5:
            assert time.monotonic() < deadline
            assert running.poll() is None
            time.sleep(0.001)
        running.send_signal(signum)
        running.communicate(timeout=30)
        # It may have been done by then.
        assert running.returncode in {-signum, 0}
        found = command.json("verify", "--dir", str(elsewhere))
        assert found["whole"]
        assert found["entries"] <= 60
        command("rm", "--all", "--dir", str(elsewhere))
    done = command.json("import", "a.zst", "--dir", str(elsewhere))
    assert (done["new"], done["present"]) == (60, 0)
    assert command.json("verify", "--dir", str(elsewhere))["whole"]
    # What the one that was killed had not taken in yet goes, too.
    command("gc", "--dir", str(elsewhere))
    assert command.json("verify", "--dir", str(elsewhere))["orphans"]["files"] == 0
    assert list((elsewhere / "tmp").iterdir()) == []


def test_paths_need_be_no_text(tmp_path: Path) -> None:
    """JSON holds text only: what is none becomes a mark, and the command does its work."""
    odd = os.fsdecode(b"odd\xff")
    project = tmp_path / odd
    project.mkdir()
    fill(project, range(3))
    rememo = Rememo(project)
    for arguments in ((), ("doctor",), ("config",), ("export", f"{odd}.zst"), ("ls", "-e")):
        rememo.json(*arguments)
    assert (project / f"{odd}.zst").exists()
    named = Rememo(tmp_path).json("ls", "-e", REMEMO_DIR=f"{odd}/.rememo")
    assert len(named["entries"]) == 3
    assert rememo.json("import", f"{odd}.zst")["present"] == 3
    assert rememo.json("report", "-o", f"{odd}.html")["output"] == "odd\ufffd.html"
    assert rememo("ls", odd, status=2).err
