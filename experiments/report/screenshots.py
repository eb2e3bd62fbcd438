"""Pictures of a report's first screen and of each section: in the light, in the dark, and 400 pixels wide.

    python experiments/report/screenshots.py [STUDY] [--output results/screenshots]

Needs Chromium (`apt-get install chromium`) and playwright (`pip install 'tune-stability[test]'`).
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tune_stability.display.console import make_console
from tune_stability.report import RULES
from tune_stability.reporting import write_report

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 400, "height": 800}, "color_scheme": "light"},
}
COLOURS = 128
DRAWN = "() => [...document.querySelectorAll('.picture')].filter((p) => p.offsetParent).every((p) => p.dataset.drawn)"


def main() -> None:
    """Write the page of a study, open it in each look, and keep what is seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", default="results/wide-micro-bert-grammar")
    parser.add_argument("--output", type=Path, default=Path("results/screenshots"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write_report([options.study], RULES, [], folder, make_console())
        for look, settings in LOOKS.items():
            with opened(Path(folder) / "report.html", settings) as page:
                keep(page.screenshot(), options.output / f"first-screen-{look}.png")
                for section in page.locator("main > section").all():
                    picture = section.screenshot(style="header { position: static !important; }")
                    keep(picture, options.output / f"{section.get_attribute('id')}-{look}.png")


@contextmanager
def opened(file: Path, settings: dict[str, Any]) -> Iterator[Page]:
    """The page in a browser, with every picture drawn."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(**settings)
        page.set_default_timeout(120_000)
        page.goto(file.as_uri())
        for top in range(0, page.evaluate("document.body.scrollHeight"), 400):
            page.evaluate(f"scrollTo(0, {top})")
            page.wait_for_timeout(100)
        page.wait_for_function(DRAWN)
        page.evaluate("scrollTo(0, 0)")
        yield page
        browser.close()


def keep(png: bytes, path: Path) -> None:
    """Write a picture in few colours, which look the same and take a third of the bytes."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
