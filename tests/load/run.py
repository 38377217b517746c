"""Put load on a fleet, then count what became of it.

run.py --agent us-east-1-agent-1=http://10.20.1.31:8429 --gateway http://10.20.1.21:8427 \
       --password-file .credentials/operator.txt --seconds 60

Writes numbered samples to the agents and queries through the gateways, for some seconds or until
Ctrl-C, and prints the report as JSON. Ends with 1 when a sample is missing, wrong or duplicated, or
when a query failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

from load import Load


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agent", action="append", required=True, metavar="NAME=URL")
    parser.add_argument("--gateway", action="append", required=True, metavar="URL")
    parser.add_argument("--user", default="operator")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=20000, help="samples per second")
    parser.add_argument("--queries", type=float, default=5, help="queries per second")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--settle", type=float, default=180, help="seconds to wait for samples")
    options = parser.parse_args()
    agents = dict(each.split("=", 1) for each in options.agent if "=" in each)
    if len(agents) != len(options.agent):
        parser.error("--agent takes NAME=URL, each NAME once")
    password = options.password_file.read_text().strip()
    with tempfile.TemporaryDirectory(prefix="meridian-load-") as directory:
        load = Load(
            agents=agents,
            gateways=options.gateway,
            auth=(options.user, password),
            rate=options.rate,
            queries_per_second=options.queries,
            directory=Path(directory),
        )
        try:
            load.start()
            with contextlib.suppress(KeyboardInterrupt):
                wait(load, options.seconds)
            report = load.stop(options.settle)
        finally:
            load.close()
    print(json.dumps(report.as_dict(), indent=2))
    return int(
        any((report.missing, report.wrong, report.duplicated, report.queries_failed)),
    )


def wait(load: Load, seconds: float) -> None:
    """Wait for some seconds and say now and then how far the load is."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(10, left))
        print(f"{load.sent()} samples sent, {load.lag():.0f} s behind", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
