"""The command `rememo` as it is installed, run over caches that real programs made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

COMMAND = Path(sys.executable).with_name("rememo")


class Done(NamedTuple):
    """What a run came to."""

    status: int
    out: str
    err: str


class Rememo:
    """The command, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *arguments: str, status: int = 0, **environment: str) -> Done:
        """Runs it, and checks how it ended."""
        plain = {name: text for name, text in os.environ.items() if "REMEMO" not in name}
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.directory,
            env={**plain, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == status, done
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, status: int = 0, **environment: str) -> Any:
        """Returns the JSON that it writes, which must be of the schema that it states."""
        import jsonschema

        found = json.loads(self(*arguments, "--json", status=status, **environment).out)
        schema = json.loads(self(*arguments, "--json-schema").out)
        jsonschema.validate(found, schema)
        return found


@pytest.fixture
def command(tmp_path: Path) -> Rememo:
    """The command, in the test's own directory."""
    return Rememo(tmp_path)
