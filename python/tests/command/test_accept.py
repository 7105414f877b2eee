"""Results of older code answer for edited code once the user says that the edit is harmless."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo

    from conftest import Program

MODULE = """
    from rememo import memoize
    RATE = 3
    def helper(x):
        return x * RATE
    @memoize
    def price(x, file=None):
        if file:
            open(file).read()
        return helper(x) + 1
    @memoize
    def total(x):
        return price(x) + price(x + 1)
    @memoize
    def title(name):
        return name.upper()
"""
REFACTORED = MODULE.replace("return x * RATE", "times = RATE\n        return times * x")
CALL = "import shop; out = [shop.price(1), shop.price(2)]"
HARMLESS = ("--reason", "renamed", "--yes")
ACCEPTED = """
    import shop
    out = [shop.price(x) for x in (1, 2)]
    out.append([e.get("accepted") for e in _events if e["event"] == "hit"])
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program whose results were stored before one of its helpers was edited."""
    from conftest import Program

    program = Program(tmp_path)
    program.write(shop=MODULE)
    program.run(CALL)
    program.write(shop=REFACTORED)
    return program


def test_results_answer_before_the_new_code_ran_at_all(program: Program, command: Rememo) -> None:
    """And each hit says by what."""
    lost = command("impact", "price").out
    assert "`rememo accept FUNCTION` keeps the results" in lost
    told = command("accept", "price", *HARMLESS, "--color", "never").out
    assert "function shop.helper" in told
    assert "-    return x * RATE\n" in told
    assert "+    times = RATE\n" in told
    assert "shop.price  accepted: renamed (" in told
    (known,) = command.json("accept", "--list")["acceptances"]
    assert (known["function"], known["reason"]) == ("shop.price", "renamed")
    assert known["id"] in told
    assert program.run(ACCEPTED)[0] == [4, 7, [known["id"]] * 2]
    assert command.json("impact", "price")["lost"] == 0


def test_the_code_of_the_last_run_needs_no_import(program: Program, command: Rememo) -> None:
    """After one call ran, the others are answered; and `why` says so."""
    program.run("import shop; out = shop.price(1)")
    told = command("why", "price").out
    assert "accepted since" not in told
    done = command.json("accept", "price", *HARMLESS, "--last-run", "--python", "/nowhere")
    assert done["done"] == "accepted"
    assert program.run(CALL) == ([4, 7], ["hit", "hit"])
    told = command("why", "price").out
    assert f"accepted since: renamed ({done['acceptances'][0]['id']}" in told
    assert command.json("why", "price")["misses"][0]["accepted"]["reason"] == "renamed"


def test_what_was_accepted_can_be_revoked(program: Program, command: Rememo) -> None:
    """By the beginning of what it is known by; what was computed from it goes, too."""
    command("accept", "price", *HARMLESS)
    assert program.run("import shop; out = shop.total(1)")[1] == ["miss", "hit", "hit", "stored"]
    id = command.json("accept", "--list", "price")["acceptances"][0]["id"]
    assert program.run("import shop; out = shop.total(1)")[1] == ["hit"]
    (dependency,) = command.json("show", "total")["entries"][0]["dependencies"]
    assert (dependency["kind"], dependency["name"]) == ("accepted change of", "shop.price")
    shown = command("show", "price").out
    assert f"renamed ({id}" in shown
    assert (
        "nothing is accepted as 'ffffffff'"
        in command("accept", "--revoke", "ffffffff", status=1).err
    )
    assert "revoked: renamed" in command("accept", "--revoke", id[:6]).out
    assert command("accept", "--list").out == "nothing is accepted\n"
    events = program.run("import shop; out = shop.total(1)")[1]
    assert events.count("miss") == 3
    assert "hit" not in events


def test_a_process_that_has_the_result_in_memory_sees_that_it_is_revoked(
    program: Program, command: Rememo
) -> None:
    """At its next call."""
    command("accept", "price", *HARMLESS)
    revoke = f"""
    import shop, subprocess
    shop.price(1), shop.total(1)
    del _events[:]
    shop.price(1), shop.total(1)
    tiers = [e["tier"] for e in _events]
    by = [e["accepted"] for e in _events]
    subprocess.run([{str(COMMAND)!r}, "accept", "--revoke", by[0]], check=True, stdout=-3)
    del _events[:]
    shop.price(1), shop.total(1)
    out = [tiers, len(set(by)), [e["function"] for e in _events if e["event"] == "miss"]]
    """
    tiers, ids, misses = program.run(revoke)[0]  # type: ignore[misc]
    assert (tiers, ids) == (["memory"] * 2, 1)
    assert sorted(set(misses)) == ["shop.price", "shop.total"]


def test_files_that_were_read_still_count(program: Program, command: Rememo) -> None:
    """What the old code looked at must be as it was."""
    program.write(shop=MODULE)
    read = "import shop; out = shop.price(1, 'rates.txt')"
    rates = program.directory / "rates.txt"
    rates.write_text("1")
    program.run(read)
    program.write(shop=REFACTORED)
    command("accept", "price", *HARMLESS)
    assert program.run(read)[1] == ["hit"]
    rates.write_text("other")
    assert program.run(read)[1] == ["miss", "stored"]
    assert command.json("why", "price")["misses"][0]["reason"] == "world changed"


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        (MODULE, "no results are stored but of its code as it is"),
        (REFACTORED.replace("RATE = 3", "RATE = 4"), "global shop.RATE changed, which is not code"),
        (
            REFACTORED.replace("@memoize\n    def price", "@memoize(version=2)\n    def price"),
            "argument version changed, which is not code",
        ),
        (
            REFACTORED.replace(
                "@memoize\n    def price", "@memoize(effects=['stdout'])\n    def price"
            ),
            "options changed, which is not code",
        ),
        ("import nowhere", "shop cannot be imported: No module named 'nowhere'"),
    ],
)
def test_what_is_no_change_of_code_is_refused(
    program: Program, command: Rememo, edited: str, why: str
) -> None:
    """And nothing is answered by it."""
    program.write(shop=edited)
    done = command("accept", "price", *HARMLESS, status=1)
    assert f"not accepted: {why}" in done.out
    assert command.json("accept", "--list")["acceptances"] == []


def test_nothing_is_accepted_that_nobody_agreed_to(program: Program, command: Rememo) -> None:
    """Without a terminal, nobody can be asked; on one, no is no."""
    for json_too in ([], ["--json"]):
        done = command("accept", "price", "--reason", "renamed", *json_too, status=2)
        assert "say --yes" in done.err
    assert command.json("accept", "--list")["acceptances"] == []
    assert "--reason" in command("accept", "price", status=2).err
    for answer, status in (("n", 1), ("", 1), ("y", 0)):
        assert asked(program.directory, answer) == status
    assert len(command.json("accept", "--list")["acceptances"]) == 1


def asked(directory: Path, answer: str) -> int:
    """Answers the command on a terminal; how it ended."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [COMMAND, "accept", "price", "--reason", "renamed"],
        cwd=directory,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.write(ours, f"{answer}\n".encode())
    _, told = running.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"Do all calls return what they did before this change?" in told
    return running.returncode


def test_several_functions_and_older_code_can_be_named(program: Program, command: Rememo) -> None:
    """A pattern means all functions that fit; an entry means the code that it was made by."""
    program.write(shop=MODULE)
    program.run("import shop; out = shop.total(1)")
    old = command.json("ls", "price")["entries"][0]["key"]
    program.write(shop=REFACTORED.replace("+ 1\n", "+ 10\n"))
    program.run("import shop; out = shop.price(1)")
    program.write(shop=REFACTORED)
    done = command.json("accept", "price", *HARMLESS, "--from", old[:10])
    assert [known["function"] for known in done["acceptances"]] == ["shop.price"]
    assert program.run(CALL) == ([4, 7], ["hit", "hit"])
    done = command.json("accept", "shop.*", *HARMLESS)
    assert {known["function"] for known in done["acceptances"]} >= {"shop.total"}
    assert program.run("import shop; out = shop.total(1)")[1] == ["hit"]
    program.run("import shop; out = shop.title('a')")
    done = command("accept", "title", *HARMLESS, "--from", old, status=1)
    assert "no result of these functions has the key" in done.err


def test_archives_do_not_carry_what_was_accepted(
    program: Program, command: Rememo, tmp_path: Path
) -> None:
    """It was said of one cache: in another, it is to be said again."""
    command("accept", "price", *HARMLESS)
    program.run("import shop; out = shop.total(1)")
    command("export", "results.tar.zst", "price", "total")
    command("import", str(tmp_path / "results.tar.zst"), REMEMO_DIR=str(tmp_path / "other"))
    elsewhere = {"REMEMO_DIR": str(tmp_path / "other")}
    events = program.run("import shop; out = shop.total(1)", **elsewhere)[1]
    assert "hit" not in events
    program.write(shop=REFACTORED.replace("times", "rate"))
    command("accept", "price", *HARMLESS, **elsewhere)
    assert program.run(CALL, **elsewhere)[1] == ["hit", "hit"]
