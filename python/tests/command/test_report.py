"""The report, in a real browser: it renders, can be used, asks nothing of any network, and runs
nothing but itself, whatever functions and files are called."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command.conftest import Rememo
    from playwright.sync_api import Browser, Page

HOSTILE = [
    "</script><script>window.injected = 1</script>",
    "<img src=x onerror='window.injected = 1'>",
    "'\"><b id=injected>bold</b>",
    "<!--<script>",
    "@JS@ @NONCE@",
    "f\u2028\u202e\x1b[2J",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; `make services` installs it."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "there is no chromium: run `make services`"
    with sync_playwright() as playwright:
        # It runs as root in containers, where its sandbox cannot be had.
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a cache with some functions, runs for several reasons, and hostile names."""
    from command.conftest import Rememo

    here = tmp_path_factory.mktemp("report")
    with Cache(here / "cache") as cache:
        for number, name in enumerate(["shop.prices.load", "shop.clean", "shop.train", *HOSTILE]):

            def function(size: int, pause: float = number / 500) -> bytes:
                time.sleep(pause)
                return bytes(size)

            function.__module__, _, function.__qualname__ = name.rpartition(".")
            function.__module__ = function.__module__ or "hostile"
            memoized = cache.memoize(function)
            for size in (10, 1000, 60_000 * (number + 1)):
                memoized(size)
                memoized(size) if number % 2 else None
            if number == 1:
                use_one_another(cache, memoized)
        cache.usage()
        done = Rememo(here)("report", "--dir", str(cache.path), "-o", "out.html")
        assert done.out == "wrote out.html\n"
    return here / "out.html"


def use_one_another(cache: Cache, clean: Callable[[int], bytes]) -> None:
    """Two functions of a shop, one of which is edited in between, and a hostile one."""
    rates = {"rate": 1}

    def pipeline(x: int) -> int:
        return len(clean(10)) + x * rates["rate"]

    def report(x: int) -> int:
        return piped(x) + len(clean(10))

    def hostile(x: int) -> int:
        return len(clean(10)) + x

    for function in (pipeline, report, hostile):
        function.__module__, function.__qualname__ = "shop", function.__name__
    hostile.__qualname__ = "<img src=x onerror=injected=1>"
    piped = cache.memoize(pipeline)
    memoized = [cache.memoize(report), cache.memoize(hostile)]
    for rates["rate"] in (1, 2):
        for function in memoized:
            function(1)


def opened(browser: Browser, report: Path, **options: object) -> tuple[Page, list[str]]:
    """The page, and whatever it complained of or asked for."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("canvas")
    assert heard[0] == report.as_uri()
    return page, heard[1:]


def test_it_renders_without_a_word_or_a_request(browser: Browser, report: Path) -> None:
    """Every section is there, and every chart is drawn."""
    page, heard = opened(browser, report)
    assert [url for url in heard if not url.startswith("data:")] == []
    headings = page.locator("h2").all_text_contents()
    assert headings == [
        "Time saved, by day",
        "Hits, runs and evictions, by day",
        "Hits, and why calls ran, by function",
        "Size against cost, by function",
        "Functions, and what last changed",
        "Slowest lookups",
        "Entries not worth keeping",
    ]
    drawn = page.evaluate("""() => [...document.querySelectorAll("canvas")].map(canvas => {
        const context = canvas.getContext("2d");
        return context.getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte);
    })""")
    assert drawn == [True] * 4
    assert page.title().startswith("Rememo report: ")
    assert page.locator("dd").first.text_content() != "0 s"


def test_hostile_names_are_text(browser: Browser, report: Path) -> None:
    """They are shown as they are, and run nothing."""
    page, _ = opened(browser, report)
    assert page.evaluate("window.injected") is None
    assert page.locator("#injected").count() == 0
    assert page.locator("img").count() == 0
    assert page.locator("svg text", has_text="onerror").count() == 1
    names = "\n".join(page.locator("td.name").all_text_contents())
    for name in HOSTILE:
        assert name.rpartition(".")[2] in names


def test_a_graph_shows_what_uses_what_and_which_way_a_change_took(
    browser: Browser, report: Path
) -> None:
    """Each function once, arrows to those that use it, and a click or a key filters the table."""
    page, _ = opened(browser, report)
    section = page.locator("section", has_text="what last changed")
    nodes = section.locator("svg g.node")
    told = [node.get_attribute("aria-label") or "" for node in nodes.all()]
    names = [label.partition(",")[0] for label in told]
    hostile = "shop.<img src=x onerror=injected=1>"
    assert sorted(names) == [hostile, "shop.clean", "shop.pipeline", "shop.report"]
    # What a report uses through the pipeline has no arrow of its own.
    assert section.locator("svg path.edge").count() == 3
    strong = [label for label in told if "state changed" in label]
    assert sorted(label.partition(",")[0] for label in strong) == ["shop.pipeline", "shop.report"]
    assert section.locator("svg path.edge.strong").count() == 1
    nodes.nth(names.index("shop.pipeline")).focus()
    page.keyboard.press("Enter")
    shown = [row for row in section.locator("tbody tr").all() if row.is_visible()]
    assert len(shown) == 1
    nodes.nth(names.index("shop.pipeline")).click()
    assert len([row for row in section.locator("tbody tr").all() if row.is_visible()]) > 1


def test_it_can_be_used_with_the_keyboard_alone(browser: Browser, report: Path) -> None:
    """Skip link, sorting, filter."""
    page, _ = opened(browser, report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    section = page.locator("section", has_text="what last changed")
    button = section.locator("th button").first
    button.focus()
    page.keyboard.press("Enter")
    names = section.locator("tbody td:first-child").all_text_contents()
    assert names == sorted(names)
    assert section.locator("th").first.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert section.locator("tbody td:first-child").all_text_contents() == sorted(names)[::-1]
    section.locator("input").focus()
    page.keyboard.type("SHOP")
    shown = [row for row in section.locator("tbody tr").all() if row.is_visible()]
    assert len(shown) == 6
    pipeline = section.locator("tbody tr", has_text="shop.pipeline")
    assert "shop.clean" in (pipeline.locator("td").last.text_content() or "")


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)
def test_it_fits_screens_and_schemes(
    browser: Browser, report: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    """No screen is scrolled sideways, text stands out, and charts follow the scheme."""
    page, _ = opened(browser, report, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light = page.evaluate("""() => {
        const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g);
        return (+r + +g + +b) / 3 > 128;
    }""")
    assert light == (scheme == "light")
    assert page.evaluate("Chart.defaults.color") == page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--faint').trim()"
    )


def test_a_report_that_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, command: Rememo
) -> None:
    """And an empty cache has a page, too."""
    with Cache(tmp_path / "cache") as cache:
        cache.usage()
        arguments = ("report", "--dir", str(cache.path))
        assert "No such file" in command(*arguments, "-o", "none/out.html", status=3).err
        written = command.json(*arguments)
    assert (tmp_path / "report.html").stat().st_size == written["bytes"]
