"""Days of a region are copied from storage to storage, and what was finished is not done again.

The modules run as programs of their own, as on a host, against local servers; a small program takes
the place of vmctl and lets the destination take what the source has.
"""

from __future__ import annotations

import calendar
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

from ansible_collections.meridian.metrics.plugins.modules import history_copy, history_days

DAY = 86400
TODAY = int(time.time()) // DAY * DAY
REGION = "eu-west-1"
COLLECTIONS = Path(__file__).parents[3] / ".collections"
Sample = tuple[str, int]  # name of the metric, unix seconds
Serve = Callable[[type[BaseHTTPRequestHandler]], str]

VMCTL = f"""#!{sys.executable}
import sys, urllib.request
given = dict(word[2:].split("=", 1) for word in sys.argv[3:] if "=" in word)
form = "&".join(f"{{name}}={{value}}" for name, value in given.items() if "time" in name)
try:
    urllib.request.urlopen(given["vm-native-dst-addr"] + "/take", form.encode())
except OSError as error:
    sys.exit(f"import failed: {{error}}")
"""


class Storage:
    """Samples behind a gateway that counts them, and that takes those of `others` when told to."""

    def __init__(self, *samples: Sample) -> None:
        self.samples = set(samples)
        self.others: Storage | None = None
        self.refused: set[Sample] = set()
        self.broken: list[str] = []  # days that it fails to take
        self.taken: list[str] = []  # days that it took
        self.late: set[Sample] = set()  # what the others get while it takes

    def answer(self, path: str, form: dict[str, str]) -> object:
        """What the gateway answers; None is an error."""
        if path == "/take":
            return self._take(moment(form, "start"), moment(form, "end"))
        if path == "/api/v1/label/cluster/values":
            known = self._between(int(form["start"]), int(form["end"]))
            return {"data": ["eks"] if known else []}
        if form["query"] == "1":
            return {"data": {"result": []}}
        found = re.search(r'cluster="(\w*)".*\[(\d+)s\]', form["query"])
        assert found
        end = int(form["time"])
        counted = Counter(name for name, _ in self._between(end - int(found[2]), end))
        values = counted.items() if found[1] else ()
        result = [{"metric": {"__name__": name}, "value": [0, f"{n}"]} for name, n in values]
        return {"data": {"result": result}}

    def _between(self, start: int, end: int) -> set[Sample]:
        return {sample for sample in self.samples if start < sample[1] <= end}

    def _take(self, start: int, end: int) -> object:
        assert self.others
        if day(start) in self.broken:
            return None
        self.samples |= self.others._between(start, end) - self.refused
        self.others.samples |= self.late
        self.late = set()
        self.taken.append(day(start))
        return {}


def moment(form: dict[str, str], which: str) -> int:
    text = form[f"vm-native-filter-time-{which}"]
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def gateway(serve: Serve, storage: Storage) -> str:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            content = storage.answer(self.path, form)
            said = json.dumps(content).encode()
            self.send_response(500 if content is None else 200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    return f"http://{serve(Handler)}"


def run(module: ModuleType, **arguments: Any) -> dict[str, Any]:
    """Run a module with its arguments on standard input and return its result."""
    completed = subprocess.run(
        [sys.executable, str(Path(f"{module.__file__}"))],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{COLLECTIONS}"},
    )
    result: dict[str, Any] = json.loads(completed.stdout)
    return result


class Move:
    """Two storages, and the modules with what is the same for each run of them."""

    def __init__(self, serve: Serve, folder: Path, source: Storage, destination: Storage) -> None:
        destination.others = source
        program = folder / "vmctl"
        program.write_text(VMCTL)
        program.chmod(0o755)
        self.usual = {
            "region": REGION,
            "origin": "us-east-1",
            "source": [gateway(serve, source)],
            "password": "secret",
            "folder": str(folder / "state"),
        }
        self._copying = {
            "destination": [gateway(serve, destination)],
            "program": str(program),
            "timeout": 0,
        }

    def days(self, **more: object) -> dict[str, Any]:
        """The days that are left."""
        found = run(history_days, **{**self.usual, "retention": "5d", **more})
        assert "days" in found, found
        return found

    def copy(self, span: dict[str, Any], **more: object) -> dict[str, Any]:
        """Bring one of them."""
        given = {name: span[name] for name in ("start", "end", "until")}
        return run(history_copy, **{**self.usual, **self._copying, **given, **more})


def minutes(name: str, start: int) -> list[Sample]:
    return [(name, start + 60 * minute) for minute in range(1, 5)]


def history() -> list[Sample]:
    """Four samples of each of the last three whole days."""
    return [each for back in (3, 2, 1) for each in minutes("up", TODAY - back * DAY)]


def test_a_copy_that_breaks_off_goes_on_with_the_day_it_broke_off_at(
    serve: Serve, tmp_path: Path
) -> None:
    source, destination = Storage(*history()), Storage()
    move = Move(serve, tmp_path, source, destination)
    days = [day(TODAY - back * DAY) for back in (3, 2, 1)]
    destination.broken = days[1:2]
    spans = move.days()["days"]
    assert [span["day"] for span in spans] == days
    assert move.copy(spans[0])["copied"] == 4
    broken = move.copy(spans[1])
    assert broken["msg"].startswith(f"{REGION}, {days[1]}: vmctl failed: import failed")

    destination.broken = []
    again = move.days()
    assert (again["finished"], [span["day"] for span in again["days"]]) == (1, days[1:])
    assert [move.copy(span)["difference"] for span in again["days"]] == ["", ""]
    assert destination.samples == source.samples
    assert destination.taken == days
    assert move.days() == {**again, "days": [], "finished": 3}


def test_a_day_that_is_the_same_at_both_is_counted_and_not_copied(
    serve: Serve, tmp_path: Path
) -> None:
    destination = Storage(*history())
    move = Move(serve, tmp_path, Storage(*history()), destination)
    results = [move.copy(span) for span in move.days()["days"]]
    assert [(each["changed"], each["samples"], each["copied"]) for each in results] == [
        (False, 4, 0)
    ] * 3
    assert destination.taken == []
    assert move.days()["days"] == []


def test_what_the_destination_does_not_take_is_listed_and_looked_at_again(
    serve: Serve, tmp_path: Path
) -> None:
    source, destination = Storage(*history()), Storage()
    destination.refused = {history()[0], history()[1]}
    move = Move(serve, tmp_path, source, destination)
    spans = move.days()["days"]
    results = [move.copy(span) for span in spans]
    assert [each["difference"] for each in results] == [
        f"{REGION}, {spans[0]['day']}: up 2 of 4",
        "",
        "",
    ]
    assert [span["day"] for span in move.days()["days"]] == [spans[0]["day"]]
    assert destination.taken.count(spans[0]["day"]) == 1


def test_what_the_source_gets_while_a_day_is_copied_is_copied_too(
    serve: Serve, tmp_path: Path
) -> None:
    source, destination = Storage(*history()), Storage()
    move = Move(serve, tmp_path, source, destination)
    span = move.days()["days"][0]
    destination.late = {("late", span["start"] + 30)}
    result = move.copy(span, timeout=60)
    assert (result["difference"], result["samples"]) == ("", 5)
    assert destination.taken == [span["day"]] * 2


def test_samples_of_the_last_minute_are_copied_and_not_counted(
    serve: Serve, tmp_path: Path
) -> None:
    now = int(time.time())
    source, destination = Storage(("up", now - 70), ("up", now)), Storage()
    move = Move(serve, tmp_path, source, destination)
    spans = move.days(since=day(now - 70))["days"]
    results = [move.copy(span) for span in spans]
    assert sum(each["samples"] for each in results) == 1
    assert [each["difference"] for each in results] == [""] * len(results)
    assert destination.samples == source.samples


def test_in_check_mode_it_only_counts(serve: Serve, tmp_path: Path) -> None:
    destination = Storage()
    move = Move(serve, tmp_path, Storage(*history()), destination)
    result = move.copy(move.days()["days"][0], _ansible_check_mode=True)
    assert (result["changed"], result["copied"]) == (True, 4)
    assert destination.taken == []
    assert move.days()["finished"] == 0


def test_what_is_no_day_is_told(serve: Serve, tmp_path: Path) -> None:
    move = Move(serve, tmp_path, Storage(), Storage())
    result = run(history_days, **{**move.usual, "since": "May"})
    assert result["msg"] == f"{REGION}: 'May' is no day; write one such as 2026-05-01"
