"""The page on the JSON that the command writes, made from the schemas that it states."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

HEAD = """# The JSON of the command

What each command writes with `--json`. `rememo COMMAND --json-schema` writes the same as a
schema for programs. Fields may be added in a later version; none changes its meaning. Times are
in seconds, sizes in bytes, dates in universal time. Of a command that fails, nothing is written
but the error, on standard error, and the exit status.
"""
# Commands that write none.
FOR_SHELLS = {"completions", "man"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page."""
    files.append(File.generated(config, "reference/json.md", content=page()))
    return files


def page() -> str:
    """Returns the page."""
    listed = _rememo("--help").split("Commands:\n")[1].split("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines() if line[2:3].strip()]
    parts = [HEAD]
    for name in ["", *(name for name in names if name not in FOR_SHELLS)]:
        words = [name] if name else []
        schema = json.loads(_rememo(*words, "--json-schema"))
        parts += [f"## rememo {name}".rstrip(), *_tables(schema)]
    return "\n\n".join(parts) + "\n"


def _rememo(*words: str) -> str:
    rememo = Path(sys.executable).with_name("rememo")
    done = subprocess.run([rememo, *words], capture_output=True, text=True, check=True)
    return done.stdout


def _tables(schema: dict[str, Any]) -> list[str]:
    """Returns a table for what is written, and one for each thing in it."""
    parts = [_said(schema)]
    if "additionalProperties" in schema:
        parts.append(f"By name: {_kind(schema['additionalProperties'])}.")
    parts += _table(schema)
    for name, thing in schema.get("$defs", {}).items():
        table = _table(thing)
        words = [
            f"`{one['const']}`: {_said(one)}" for one in thing.get("oneOf", []) if "const" in one
        ]
        if table or words:
            parts += [f"**{name}**: {_said(thing)} {' '.join(words)}".rstrip(), *table]
    return [part for part in parts if part]


def _table(thing: dict[str, Any]) -> list[str]:
    shapes = [thing, *thing.get("anyOf", []), *thing.get("oneOf", [])]
    rows = [
        f"| `{name}` | {_kind(field)} | {_said(field)} |"
        for shape in shapes
        for name, field in shape.get("properties", {}).items()
    ]
    return ["\n".join(["| field | kind | meaning |", "| --- | --- | --- |", *rows])] if rows else []


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"].rsplit("/")[-1])
    if "const" in field:
        return f"`{field['const']}`"
    kinds = [_kind(one) for one in field.get("anyOf", field.get("oneOf", []))]
    if not kinds:
        told = field.get("type", "any")
        kinds = [told] if isinstance(told, str) else list(told)
    if "array" in kinds:
        kinds[kinds.index("array")] = f"list of {_kind(field.get('items', {}))}"
    return " or ".join(kinds)


def _said(thing: dict[str, Any]) -> str:
    return " ".join(str(thing.get("description", "")).split()).replace("|", "\\|")
