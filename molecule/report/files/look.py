"""Look at HTML files in headless Chromium, as people with different screens and settings do.

look.py FILE... FOLDER

Writes pictures and a printed PDF of each file into FOLDER, and seen.json: by file and by view
what axe-core objects to, what the browser logged, what it requested, and what sticks out.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from browser import browser, set_screen, take_picture
from selenium import webdriver

AXE = Path("/opt/axe_playwright_python/axe.min.js")
VIEWS = {
    "light": ("light", 1280),
    "dark": ("dark", 1280),
    "light-phone": ("light", 390),
    "dark-phone": ("dark", 390),
}
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(
  found.violations.map(
    v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 5).map(n => n.html).join(" | ")
  )
));
"""
STICKING_OUT = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look(driver: webdriver.Chrome, file: Path, scheme: str, width: int, picture: Path) -> Any:
    """Look at a file with a colour scheme and a width, and take a picture of all of it."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
    set_screen(driver, width, 900, mobile=width < 600)
    driver.get_log("performance")
    driver.get(file.as_uri())
    seen = {
        "console": [entry["message"] for entry in driver.get_log("browser")],
        "requests": requests(driver),
        "sticking_out": driver.execute_script(STICKING_OUT),
        "scripts": driver.execute_script("return document.scripts.length"),
        "dark": driver.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches"),
    }
    take_picture(driver, picture)
    driver.execute_script(AXE.read_text())
    seen["violations"] = driver.execute_async_script(RUN_AXE)
    return seen


def requests(driver: webdriver.Chrome) -> list[str]:
    """Return what was requested since the log was last read, data: addresses left out."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    urls = (
        each["params"]["request"]["url"]
        for each in messages
        if each["method"] == "Network.requestWillBeSent"
    )
    return [url for url in urls if not url.startswith("data:")]


def print_out(driver: webdriver.Chrome, paper: Path) -> None:
    """Print the file that is open, as a user with a dark screen does."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    options = {"preferCSSPageSize": True, "printBackground": True}
    paper.write_bytes(base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", options)["data"]))


def program() -> None:
    """Carry out the command line."""
    *files, folder = map(Path, sys.argv[1:])
    folder.mkdir(exist_ok=True)
    driver = browser()
    try:
        seen: dict[str, dict[str, Any]] = {}
        for file in files:
            for view, (scheme, width) in VIEWS.items():
                picture = folder / f"{file.stem}-{view}.png"
                seen.setdefault(file.stem, {})[view] = look(driver, file, scheme, width, picture)
            print_out(driver, folder / f"{file.stem}.pdf")
    finally:
        driver.quit()
    (folder / "seen.json").write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    program()
