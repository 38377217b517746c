"""Open dashboards of Grafana in headless Chromium, and wait until every panel is drawn.

look.py URL PASSWORD_FILE FOLDER UID...

Writes a picture of each dashboard into FOLDER, 1600 pixels wide and as high as its panels reach,
and seen.json: by dashboard whether it is busy still, the alerts on the page, and by panel's id
  drawn    whether something is in it
  error    what the mark of an error says, '' without one
  message  what stands in place of a picture, such as that there is no data, '' without one
  text     all text in it
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from browser import browser, set_screen, take_picture
from selenium import webdriver

USER = "admin"
WIDTH = 1600
# Grafana draws a panel when it comes into view. More than the longest dashboard, so all are.
SCREEN_HEIGHT = 8000
# When to give up waiting for a page, and for how long it has to be still to be taken for drawn.
PATIENCE_SECONDS = 120
STILL_SECONDS = 3

LOG_IN = """
const [user, password, done] = arguments;
fetch("/login", {
  method: "POST",
  headers: {"Content-Type": "application/json"},
  body: JSON.stringify({user, password}),
}).then(answer => done(answer.status));
"""
# The ids of the panels, as Grafana has them; rows are no panels.
PANELS = """
const [uid, done] = arguments;
fetch(`/api/dashboards/uid/${uid}`).then(answer => answer.json()).then(found => done(
  found.dashboard.panels.filter(each => each.type !== "row").map(each => String(each.id))
));
"""
# The names are those of Grafana's own end-to-end tests (@grafana/e2e-selectors).
LOOK = """
const named = name => `[data-testid="data-testid ${name}"]`;
const text = element => element ? element.innerText.trim() : "";
const panels = {};
let bottom = 0;
for (const panel of document.querySelectorAll("[data-viz-panel-key]")) {
  const content = panel.querySelector(named("panel content"));
  const mark = panel.querySelector(named("Panel status error"));
  panels[panel.dataset.vizPanelKey.replace("panel-", "")] = {
    drawn: !!content && (text(content) !== "" || !!content.querySelector("canvas, svg")),
    error: mark ? mark.getAttribute("aria-label") || text(mark) || "an error" : "",
    message: text(panel.querySelector(named("Panel data error message"))),
    text: text(content),
  };
  bottom = Math.max(bottom, panel.getBoundingClientRect().bottom);
}
return {
  alerts: [...document.querySelectorAll(named("Alert error"))].map(text),
  panels,
  bottom,
  busy: document.querySelectorAll('[aria-label="Panel loading bar"]').length > 0
    || (window.__grafanaRunningQueryCount ?? 0) > 0,
};
"""


def log_in(driver: webdriver.Chrome, url: str, password: str) -> None:
    """Get the cookies of a session, as the page for signing in does."""
    driver.get(f"{url}/login")
    status = driver.execute_async_script(LOG_IN, USER, password)
    if status != 200:
        sys.exit(f"{url}/login answers {status} to user '{USER}'; see the password's file")


def look(driver: webdriver.Chrome, url: str, uid: str, picture: Path) -> Any:
    """Open a dashboard, wait until it is drawn or patience ends, and take a picture."""
    wanted = set(driver.execute_async_script(PANELS, uid))
    driver.get(f"{url}/d/{uid}?kiosk")
    deadline = time.monotonic() + PATIENCE_SECONDS
    still = 0
    while True:
        seen = driver.execute_script(LOOK)
        drawn = {name for name, panel in seen["panels"].items() if panel["drawn"] or panel["error"]}
        still = still + 1 if drawn == wanted and not seen["busy"] else 0
        if still > STILL_SECONDS or time.monotonic() > deadline:
            break
        time.sleep(1)
    height = seen.pop("bottom") + 16
    take_picture(driver, picture, {"x": 0, "y": 0, "width": WIDTH, "height": height})
    return seen


def program() -> None:
    """Carry out the command line."""
    url, password_file, folder, *dashboards = sys.argv[1:]
    place = Path(folder)
    place.mkdir(exist_ok=True)
    driver = browser()
    try:
        set_screen(driver, WIDTH, SCREEN_HEIGHT)
        log_in(driver, url, Path(password_file).read_text().strip())
        seen = {uid: look(driver, url, uid, place / f"{uid}.png") for uid in dashboards}
    finally:
        driver.quit()
    (place / "seen.json").write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    program()
