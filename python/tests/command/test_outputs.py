"""Each command writes what it is meant to, for people, and for programs as its schema says."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jsonschema
import pytest
from command.steady import steady

if TYPE_CHECKING:
    from command.conftest import Rememo

MEANT = Path(__file__).with_name("outputs.txt")
MODULE = """
    import time
    from rememo import memoize
    RATE = 3
    def helper(x):
        return x {} RATE
    @memoize
    def price(x):
        return helper(x)
    @memoize(effects=["stdout"], tag="talk")
    def read(name):
        # So that it is the slower one.
        time.sleep(0.1)
        print("reading")
        return open(name).read()
"""
# In this order: what a command changes is there for the next one.
COMMANDS = (
    "",
    "ls",
    "ls price --sort age",
    "ls --entries --tag talk",
    "show read --source",
    "why price",
    "why read",
    "why price --all",
    "diff price",
    "impact",
    "accept price --reason quicker --last-run --yes",
    "accept --list",
    "stats",
    "stats --by-day",
    "pin read",
    "unpin read",
    "gc --dry-run --max-size 1KiB",
    "verify",
    "export a.tar.zst",
    "rm read --dry-run",
    "rm read",
    "import a.tar.zst",
    "report -o a.html",
    "config",
    "doctor",
)


class Cache(NamedTuple):
    """Results of two versions of a function, and of one that reads a file that changed."""

    rememo: Rememo
    directory: Path


@pytest.fixture
def cache(tmp_path: Path, command: Rememo) -> Cache:
    """Made by real programs."""
    from conftest import Program

    program = Program(tmp_path)
    for operator, content in (("+", "old"), ("*", "new")):
        program.write(shop=MODULE.format(operator))
        (tmp_path / "names.txt").write_text(content)
        program.run("import shop; out = [shop.price(2), shop.price(2), shop.read('names.txt')]")
    return Cache(command, tmp_path)


def test_what_people_read_is_what_is_meant(
    cache: Cache, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Compared with what is kept beside this file; what was written now is left for a look."""
    written = []
    for words in COMMANDS:
        done = cache.rememo(*words.split())
        told = steady(done.out + done.err, cache.directory)
        written.append(f"$ rememo {words}".rstrip() + f"\n{told}")
    now = "\n".join(written)
    kept = MEANT.read_text(encoding="utf-8")
    if now != kept:
        beside = tmp_path_factory.mktemp("outputs") / MEANT.name
        beside.write_text(now, encoding="utf-8")
        lines = difflib.unified_diff(kept.splitlines(), now.splitlines(), lineterm="")
        pytest.fail(f"cp {beside} {MEANT}, if this is meant:\n" + "\n".join(lines))


def test_the_outputs_are_of_every_command(command: Rememo) -> None:
    """But those that write for shells and manuals, which have a test of their own."""
    listed = command("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    commands = {line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)}
    assert commands - {words.split()[0] for words in COMMANDS if words} == {"completions", "man"}


def test_what_programs_read_is_of_the_schema_with_nothing_left_unsaid(cache: Cache) -> None:
    """Each field is in the schema, and the schema says what each means."""
    for words in COMMANDS:
        found = cache.rememo.json(*words.split())
        schema = json.loads(cache.rememo(*words.split()[:1], "--json-schema").out)
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(found, closed(schema))
        for path, field in fields(schema):
            assert "description" in field or "$ref" in field, (words, path)


def closed(schema: object) -> object:
    """Returns a schema that allows no fields but those that it names."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: closed(item) for name, item in schema.items()}
    if "properties" in strict:
        strict["unevaluatedProperties"] = False
    return strict


def fields(schema: object, path: str = "") -> list[tuple[str, dict[str, object]]]:
    """Returns every field that a schema has, with where it is."""
    found: list[tuple[str, dict[str, object]]] = []
    if isinstance(schema, list):
        for item in schema:
            found += fields(item, path)
    elif isinstance(schema, dict):
        for name, item in schema.items():
            if name == "properties":
                found += [(f"{path}.{field}", of) for field, of in item.items()]
            found += fields(item, f"{path}.{name}")
    return found
