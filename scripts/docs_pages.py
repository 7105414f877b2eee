"""Pages of the documentation that are made from what is elsewhere, when the site is built."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
# Where a page is to have the tables of another.
MEASURED = re.compile(r"<!-- measured: (\w+\.md) -->")


def on_config(config: MkDocsConfig) -> None:
    """Lists the decisions, which come one by one."""
    for section in config.nav or []:
        if isinstance(section, dict) and "Decisions" in section:
            found = (ROOT / "docs/design/decisions").glob("*.md")
            section["Decisions"] = [f"design/decisions/{path.name}" for path in sorted(found)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    pages = {
        "reference/command.md": command(),
        "reference/changelog.md": (ROOT / "CHANGELOG.md").read_text(),
        "reference/commits.md": commits(),
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Puts the tables that another page has of its measurements where one asks for them."""
    return MEASURED.sub(lambda asked: measured(ROOT / "docs" / asked[1]), markdown)


def measured(page: Path) -> str:
    """Returns what a page has between its marks."""
    begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
    return page.read_text(encoding="utf-8").split(begin)[1].split(end)[0].strip()


def command() -> str:
    """Returns the help of the command, and of each of its commands."""
    help_of_all = _help()
    listed = help_of_all.split("Commands:\n")[1].split("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines()]
    parts = ["# The command line", _block(help_of_all)]
    for name in names:
        parts += [f"## rememo {name}", _block(_help(name))]
    return "\n\n".join(parts)


def commits() -> str:
    """Returns the list of commits that git-cliff makes, or what to do for one."""
    if not (ROOT / ".git").exists():
        return "# Commits\n\nThe sources that this was built from came without their history."
    cliff = Path(sys.executable).with_name("git-cliff")
    done = subprocess.run(
        [cliff, "--offline"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def _help(*of: str) -> str:
    rememo = Path(sys.executable).with_name("rememo")
    done = subprocess.run([rememo, *of, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"
