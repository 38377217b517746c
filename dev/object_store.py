"""An emulation of S3 (moto) on this machine, for tests of what keeps its things in such a store."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

CREDENTIALS = "[default]\naws_access_key_id = of-a-test\naws_secret_access_key = not-a-secret\n"
# It starts in some seconds; beside three checks on two cores in many times that.
_SECONDS = 240


def _made(bucket: str, port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("PUT", f"/{bucket}")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def emulated_s3(port: int, bucket: str) -> Iterator[None]:
    """Serve an empty bucket on all addresses of this machine; its content ends with the block.

    Raises OSError where the port is taken, by another such store for instance.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("0.0.0.0", port))
    command = [sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _SECONDS
            while not _made(bucket, port):
                assert process.poll() is None, f"the emulation of S3 does not start on port {port}"
                assert time.monotonic() < deadline, "the emulation of S3 does not answer"
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
