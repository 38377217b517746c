"""Headless Chromium from Debian's packages: start it, size it, take a picture.

Lies beside the programs that use it, on the host that tasks/browser.yml gives a browser.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# A check of a long page takes seconds, and many on a slow machine. The default is 30, and selenium
# itself waits for 120 for an answer.
SCRIPT_SECONDS = 100


def browser() -> webdriver.Chrome:
    """Start the browser, as root and without a screen; it keeps logs of console and requests."""
    options = Options()
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(SCRIPT_SECONDS)
    return driver


def set_screen(driver: webdriver.Chrome, width: int, height: int, *, mobile: bool = False) -> None:
    """Give the page a screen of this many pixels."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def take_picture(
    driver: webdriver.Chrome, file: Path, part: Mapping[str, float] | None = None
) -> None:
    """Write a PNG of the whole page, or of a part of it: x, y, width and height in pixels."""
    arguments: dict[str, Any] = {"format": "png", "captureBeyondViewport": True}
    if part:
        arguments["clip"] = {**part, "scale": 1}
    taken = driver.execute_cdp_cmd("Page.captureScreenshot", arguments)["data"]
    file.write_bytes(base64.b64decode(taken))
