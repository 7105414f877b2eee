"""A cache decodes what it holds, so one that others could have written to is not decoded from."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

from python.tests.store.conftest import Outcome, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE, BOB = 54321, 54322
GROUP = 54400

# Two calls with small results and two with large ones; the second must not repeat the warning.
CALLS = """
import m
m.double(3), m.text(1, 2000)
out = m.double(3) == 6 and m.text(1, 2000) == "1," * 2000
"""
# Becomes somebody else once all that is imported late has been, from where they may not read.
BECOME = """
import pwd, rememo, tomllib
with rememo.Cache(temporary=True) as first:
    first.memoize(lambda x: [x])(1)
events.clear()
os.setgroups({groups}), os.setgid({group}), os.setuid({user})
"""

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def project() -> Iterator[Project]:
    """A project that every user of the machine can get to, and nobody but its owner change."""
    directory = Path(tempfile.mkdtemp(prefix="rememo-test-")).resolve()
    directory.chmod(0o755)
    project = Project(directory)
    yield project
    project.close()
    shutil.rmtree(directory)


def become(user: int, *, group: int | None = None) -> str:
    """The code by which a process becomes another user, perhaps with a further group."""
    groups = [] if group is None else [group]
    return BECOME.format(user=user, group=user, groups=groups)


def own(path: Path, user: int, group: int | None = None) -> None:
    """Gives a directory and all in it to a user."""
    for each in [path, *path.rglob("*")]:
        os.chown(each, user, user if group is None else group, follow_symlinks=False)


def refused(done: Outcome, *about: str) -> None:
    """Calls ran past the store, which was said once."""
    assert done.out is True
    assert done.names == ["degraded"]
    assert done.categories == ["StoreWarning"]
    for each in about:
        assert each in done.warnings[0][1]


def hits(done: Outcome) -> None:
    """Every call was answered from the store."""
    assert done.out is True
    assert done.names == ["hit"] * 4
    assert not done.warnings


@only_root
def test_a_store_of_somebody_else_is_not_decoded(project: Project) -> None:
    """Even where one may read it; unless they are trusted, by number, by name, or all alike."""
    project.run(CALLS)
    own(project.store, ALICE)
    refused(project.run(CALLS), f"belongs to user {ALICE}", f"trust_owner={ALICE}")
    refused(project.run(CALLS, REMEMO_TRUST_OWNER=str(BOB)), f"belongs to user {ALICE}")
    hits(project.run(CALLS, REMEMO_TRUST_OWNER=str(ALICE)))
    hits(project.run(CALLS, REMEMO_TRUST_OWNER="true"))
    own(project.store, pwd.getpwnam("daemon").pw_uid)
    hits(project.run(CALLS, REMEMO_TRUST_OWNER="daemon"))


def publish(path: Path) -> None:
    """Lets everybody read a store."""
    for each in [path, *path.rglob("*")]:
        each.chmod(0o755 if each.is_dir() else 0o644)


@only_root
def test_a_trusted_store_that_one_may_only_read_is_read(project: Project) -> None:
    """While its owner goes on writing to it: what they clear is gone, what they add is found."""
    project.run(CALLS)
    publish(project.store)
    reader = project.start(
        become(ALICE)
        + CALLS
        + """
m.double(3)  # from memory
os.write(1, b"ready\\n")
wait_for("cleared")
events.clear()
again = m.double(3)
while not m.double.would_hit(5):
    time.sleep(0.05)
out = again, m.double(5)
""",
        REMEMO_TRUST_OWNER="0",
    )
    assert reader.stdout
    assert reader.stdout.readline() == "ready\n"
    project.run("import m; m.double.cache_clear()")
    project.touch("cleared")
    project.run("import m; m.double(5)")
    done = project.finish(reader)
    assert done.out == [6, 10]
    assert done.names == ["miss", "not_stored", "hit"]
    assert [message for _, message in done.warnings if "can only be read" in message]


@only_root
def test_roots_store_is_roots(project: Project) -> None:
    """And no other user's, though root could do as they please."""
    project.run(CALLS)
    publish(project.store)
    refused(project.run(become(ALICE) + CALLS), "belongs to root")


@only_root
def test_a_cache_says_whom_it_trusts(project: Project) -> None:
    """In the program's own words; another cache in the same directory still does not."""
    project.run(CALLS)
    own(project.store, ALICE)
    done = project.run(f"""
        import m
        from rememo import Cache
        plain = Cache({str(project.store)!r}).memoize(m.double.__wrapped__)
        trusting = Cache({str(project.store)!r}, trust_owner={ALICE})
        trusting = trusting.memoize(m.double.__wrapped__)
        out = plain(3), trusting(3), plain(3)
    """)
    assert done.out == [6, 6, 6]
    assert done.names == ["degraded", "hit"]


@pytest.mark.parametrize(
    ("part", "mode"),
    [
        ("", 0o707),
        ("index", 0o707),
        ("objects", 0o702),
        ("index/data.mdb", 0o606),
        ("index/lock.mdb", 0o602),
        ("format", 0o602),
        ("generation", 0o606),
    ],
)
def test_what_everybody_may_write_to_is_not_decoded(project: Project, part: str, mode: int) -> None:
    """Neither the directory nor anything that is read."""
    project.run(CALLS)
    path = project.store / part
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode)
    refused(project.run(CALLS), f"{path} may be written to by everybody", "chmod o-w")
    path.chmod(before)
    hits(project.run(CALLS))


@only_root
def test_a_result_that_everybody_may_write_to_is_worked_out_again(project: Project) -> None:
    """And what is stored in its place is one's own."""
    project.run(CALLS)
    (result,) = project.store.glob("objects/*/*")
    for spoil in (lambda: result.chmod(0o606), lambda: os.chown(result, ALICE, ALICE)):
        spoil()
        done = project.run(CALLS)
        assert done.out is True
        assert done.names == ["hit", "degraded", "miss", "stored", "hit", "hit"]
        assert result.stat().st_uid == 0
        assert stat.S_IMODE(result.stat().st_mode) == 0o600
    hits(project.run(CALLS))


@pytest.mark.parametrize("there", [True, False])
def test_a_store_that_others_could_swap_is_not_decoded(project: Project, there: bool) -> None:
    """Nor made; but where all may write and only move what is theirs, as in /tmp, it is fine."""
    around = project.directory / "around"
    around.mkdir()
    store = str(around / "store")
    if there:
        project.run(CALLS, REMEMO_DIR=store)
    around.chmod(0o777)
    refused(project.run(CALLS, REMEMO_DIR=store), f"{around} may be written to by everybody")
    assert list(around.iterdir()) == ([around / "store"] if there else [])
    around.chmod(0o1777)
    assert project.run(CALLS, REMEMO_DIR=store).out
    hits(project.run(CALLS, REMEMO_DIR=store))


@only_root
def test_a_store_in_somebody_elses_directory_is_not_decoded(project: Project) -> None:
    """Whoever owns a directory can put another one in its place."""
    project.run(CALLS)
    os.chown(project.directory, ALICE, ALICE)
    refused(project.run(CALLS), f"{project.directory} belongs to user {ALICE}")
    hits(project.run(CALLS, REMEMO_TRUST_OWNER=str(ALICE)))


@only_root
def test_a_group_that_may_write_must_be_said_to_share(project: Project) -> None:
    """The members of no other group are trusted with it."""
    project.run(CALLS)
    project.store.chmod(0o770)
    own(project.store, ALICE, GROUP)
    alice = become(ALICE, group=GROUP) + CALLS
    refused(project.run(alice), f"members of group {GROUP}", 'shared="group"', "chmod g-w")
    hits(project.run(alice, REMEMO_SHARED="group"))
    refused(project.run(become(ALICE) + CALLS, REMEMO_SHARED="group"), f"group {GROUP}")


@only_root
def test_the_members_of_a_group_share_a_store(project: Project) -> None:
    """Whoever made it, and whatever their masks; nobody else can even look into it."""
    place = project.directory / "ours"
    place.mkdir()
    os.chown(place, 0, GROUP)
    place.chmod(0o2770)
    settings = {"REMEMO_SHARED": "group", "REMEMO_DIR": str(place / "store")}
    alice, bob = (f"{become(user, group=GROUP)}\nos.umask(0o77)\n{CALLS}" for user in (ALICE, BOB))
    assert project.run(alice, **settings).out is True
    hits(project.run(bob, **settings))
    more = "\nout = m.double(4), m.text(2, 2000) and 1"
    assert project.run(bob + more, **settings).names == ["hit"] * 4 + ["miss", "stored"] * 2
    assert project.run(alice + more, **settings).names == ["hit"] * 6
    everything = [place / "store", *(place / "store").rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in everything}
    assert modes == {0o2770, 0o660}
    assert {path.stat().st_gid for path in everything} == {GROUP}
    stranger = project.run(become(ALICE) + CALLS, **settings)
    assert stranger.out is True
    assert stranger.names == ["degraded"]


@only_root
def test_a_group_with_nobody_else_in_it_is_no_danger(project: Project) -> None:
    """Systems that give each user a group of their own let it write to what they make."""
    user = next((user for user in pwd.getpwall() if user.pw_uid and is_alone(user)), None)
    if user is None:
        pytest.skip("no user here has a group of their own")
    os.chown(project.directory, user.pw_uid, user.pw_gid)
    project.directory.chmod(0o775)
    code = BECOME.format(user=user.pw_uid, group=user.pw_gid, groups=[]) + CALLS
    assert project.run(code).names == ["miss", "stored"] * 2 + ["hit"] * 2
    os.chown(project.directory, user.pw_uid, GROUP)
    refused(project.run(code), f"{project.directory} may be written to by the members of")


def is_alone(user: pwd.struct_passwd) -> bool:
    """Whether a user's first group has their name and nobody else in it."""
    try:
        group = grp.getgrgid(user.pw_gid)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and not group.gr_mem


@pytest.mark.parametrize("part", ["format", "index", "objects", "tmp", "locks", "generation"])
def test_a_link_in_a_store_leads_nowhere(project: Project, part: str) -> None:
    """What it points to stays as it is."""
    project.run(CALLS)
    outside = project.directory / "outside"
    (project.store / part).rename(outside)
    (project.store / part).symlink_to(outside)
    before = sorted(outside.rglob("*"))
    refused(project.run(CALLS), f"{project.store / part} is a symbolic link")
    assert sorted(outside.rglob("*")) == before


def test_a_link_among_results_leads_nowhere(project: Project) -> None:
    """Neither to be read nor to be written through."""
    project.run(CALLS)
    (result,) = project.store.glob("objects/*/*")
    outside = project.directory / "outside"
    result.parent.rename(outside)
    result.parent.symlink_to(outside)
    content = (outside / result.name).read_bytes()
    done = project.run(CALLS)
    assert done.out is True
    assert [event for event in done.names if event != "hit"][:3] == [
        "degraded",
        "miss",
        "not_stored",
    ]
    assert all("symbolic link" in message for _, message in done.warnings)
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [
        (result.name, content)
    ]


def test_the_store_itself_may_be_a_link(project: Project) -> None:
    """To a larger disk, say; who could change the link matters, too."""
    elsewhere = project.directory / "elsewhere"
    links = project.directory / "links"
    elsewhere.mkdir(mode=0o700)
    links.mkdir()
    project.store.symlink_to("links/one")
    (links / "one").symlink_to(elsewhere)
    assert project.run(CALLS).names == ["miss", "stored"] * 2 + ["hit"] * 2
    hits(project.run(CALLS))
    links.chmod(0o777)
    refused(project.run(CALLS), f"{links} may be written to by everybody")


def test_a_pipe_in_place_of_a_file_holds_nobody_up(project: Project) -> None:
    """Opening one would wait for its other end."""
    project.run(CALLS)
    (result,) = project.store.glob("objects/*/*")
    result.unlink()
    os.mkfifo(result, 0o600)
    done = project.run(CALLS)
    assert done.names == ["hit", "degraded", "miss", "stored", "hit", "hit"]
    (project.store / "format").unlink()
    os.mkfifo(project.store / "format", 0o600)
    refused(project.run(CALLS), "not an ordinary file")


@pytest.mark.parametrize("mask", [0, 0o277])
def test_modes_do_not_depend_on_the_mask(project: Project, mask: int) -> None:
    """Each directory is 0700 and each file 0600."""
    project.run(f"os.umask({mask})\n{CALLS}")
    for path in [project.store, *project.store.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.parametrize(
    ("options", "error", "about"),
    [
        ({"trust_owner": "nobody-of-this-name"}, ValueError, "no user of that name"),
        ({"trust_owner": -1}, ValueError, "no user of that number"),
        ({"trust_owner": 1.5}, TypeError, "name or number"),
        ({"shared": "world"}, ValueError, '"group"'),
        ({"shared": True}, ValueError, '"group"'),
    ],
)
def test_nonsense_is_an_error_where_it_is_said(
    tmp_path: Path, options: dict[str, object], error: type[Exception], about: str
) -> None:
    """In the words of the option."""
    with pytest.raises(error, match=about):
        Cache(tmp_path, **options)  # type: ignore[arg-type]


def test_nonsense_in_the_environment_is_a_warning(project: Project) -> None:
    """And counts for nothing."""
    done = project.run(CALLS, REMEMO_TRUST_OWNER="nobody-of-this-name", REMEMO_SHARED="world")
    assert done.names == ["miss", "stored"] * 2 + ["hit"] * 2
    (of_owner, of_group) = (message for _, message in done.warnings)
    assert "REMEMO_TRUST_OWNER" in of_owner
    assert "REMEMO_SHARED" in of_group
