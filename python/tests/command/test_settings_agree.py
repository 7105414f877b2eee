"""The command finds the cache that Python would: both are asked in the same random places."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from command.conftest import Rememo

USER = pwd.getpwuid(os.getuid()).pw_name
PATHS = st.sampled_from(
    [
        "cache", "./a/../cache", "../out", "..", "/absolute/cache", "~/in-home", f"~{USER}/x",
        "~nobody-at-all/x", "link/inside", "out/side", "a//b/", "", "dir with spaces",
    ]
)  # fmt: skip
LINES = st.one_of(
    PATHS.map(lambda path: f"dir = {json.dumps(path)}"),
    st.sampled_from(
        ["system_wide = true", "system_wide = false", "enabled = false", "system_wide = 1",
         "dir = true", "unknown = 1", "enabled = 'no'", "= nonsense [",
         "max_size = '1 GiB'", "policy = 'lru'", "policy = 1",
         "auto = { modules = ['a'] }"]
    ),
)  # fmt: skip
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "REMEMO_DIR": PATHS,
        "REMEMO_SYSTEM_WIDE": st.sampled_from(["0", "1", ""]),
        "REMEMO_DISABLE": st.sampled_from(["0", "1"]),
        "REMEMO_PARANOID": st.sampled_from(["", "yes"]),
        "REMEMO_MAX_SIZE": st.just("1 GiB"),
        "REMEMO_POLICY": st.just("lfu"),
        "REMEMO_READ_ONLY": st.sampled_from(["0", "1"]),
        "REMEMO_SHARED": st.just("group"),
        "XDG_CACHE_HOME": st.sampled_from(["relative", "/xdg", ""]),
        "HOME": st.sampled_from(["/home/of/mine/", "", "/"]),
    },
)
PROGRAM = """
import json, os, rememo, sys
for line in sys.stdin:
    here, environment = json.loads(line)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(here)
    try:
        config = rememo.config()
        from rememo.settings import DECLARED
        told = {n: [config[n], config.origin(n), DECLARED[n].meaning] for n in config}
    except RuntimeError as error:
        told = str(error)
    print(json.dumps(told), flush=True)
"""


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.none() | st.lists(LINES, max_size=2, unique_by=lambda line: line.split(" =")[0]),
    marker=st.sampled_from(["", ".git", "setup.py"]),
    variables=VARIABLES,
)
def test_both_say_the_same(
    tmp_path_factory: object,
    lines: list[str] | None,
    marker: str,
    variables: dict[str, str],
) -> None:
    """Values, who says them, and what they mean."""
    top: Path = tmp_path_factory.mktemp("project")  # type: ignore[attr-defined]
    here = top / "package" / "inner"
    here.mkdir(parents=True)
    (top / "elsewhere").mkdir()
    (top / "package" / "out").symlink_to(top / "elsewhere")
    (top / "package" / "link").symlink_to(here)
    if marker:
        (top / marker).touch()
    if lines is not None:
        text = "\n".join(["[tool.rememo]", *lines])
        (top / "package" / "pyproject.toml").write_text(text)
    environment = {"PATH": os.environ["PATH"], **variables}
    assert told_by_command(here, environment) == told_by_python(here, environment)


def told_by_python(here: Path, environment: dict[str, str]) -> object:
    """Asks one process that stays, for starting it takes its time."""
    python = _python()
    assert python.stdin
    assert python.stdout
    python.stdin.write(json.dumps([str(here), environment]) + "\n")
    python.stdin.flush()
    return json.loads(python.stdout.readline())


_started: list[subprocess.Popen[str]] = []


def _python() -> subprocess.Popen[str]:
    if not _started:
        started = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _started.append(started)
    return _started[0]


def teardown_module() -> None:
    """Ends the process."""
    for started in _started:
        started.communicate()
    _started.clear()


def told_by_command(here: Path, environment: dict[str, str]) -> object:
    """Runs it."""
    rememo = Path(sys.executable).with_name("rememo")
    done = subprocess.run(
        [rememo, "config", "--json"],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1].removeprefix("error: ")
    found = json.loads(done.stdout)
    return {name: [row["value"], row["origin"], row["meaning"]] for name, row in found.items()}


def test_an_option_comes_first(command: Rememo) -> None:
    """Before the environment."""
    found = command.json("config", "--dir", "there", REMEMO_DIR="elsewhere")
    assert found["dir"]["value"] == str(command.directory / "there")
    assert found["dir"]["origin"] == "--dir"


def test_the_table_of_rememo_auto_is_no_unknown_setting(command: Rememo) -> None:
    """Neither to the command nor to Python."""
    (command.directory / "pyproject.toml").write_text("[tool.rememo.auto]\nmodules = ['a']\n")
    assert command("config").err == ""
    code = "import rememo; rememo.config()"
    python = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(python, cwd=command.directory, check=True, timeout=60)
