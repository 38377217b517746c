"""The emulation of S3."""

from __future__ import annotations

import socket

import pytest
from object_store import emulated_s3


def test_a_port_that_another_store_has_is_refused():
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"), emulated_s3(port, "bucket"):
            pass
