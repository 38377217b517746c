"""Reading through the gateways of a region, as a client that knows all their addresses."""

from __future__ import annotations

import base64
import contextlib
import http.client
import threading
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

# Longer than a storage node that hangs holds up a query; connecting is quick or fails.
ANSWER_SECONDS = 60
CONNECT_SECONDS = 3


class Broken(Exception):
    """No connection, or one that ended before an answer: the next gateway may be asked at once."""


class Gateway:
    """One gateway; each thread keeps a connection of its own."""

    def __init__(self, url: str, auth: tuple[str, str]) -> None:
        self.url = url
        self._parts = urlsplit(url)
        token = base64.b64encode(":".join(auth).encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._own = threading.local()

    @contextlib.contextmanager
    def get(
        self, path: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]]
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a GET; the answer may be of any status, and must be read to its end.

        Raises Broken before an answer, OSError or HTTPException when it breaks off or takes too
        long.
        """
        target = f"{self._parts.path.rstrip('/')}{path}?{urlencode(parameters)}"
        kept = self._kept() is not None
        try:
            try:
                answer = self._send(target)
            except Broken:
                if not kept:
                    raise
                # It was closed while nothing was asked over it; HTTP clients take a new one then.
                self._disconnect()
                answer = self._send(target)
            yield answer
            if not answer.isclosed():
                raise http.client.HTTPException("the answer was not read to its end")
        except BaseException:
            self._disconnect()
            raise

    def _send(self, target: str) -> http.client.HTTPResponse:
        connection = self._connect()
        try:
            connection.request("GET", target, headers=self._headers)
            return connection.getresponse()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    def _kept(self) -> http.client.HTTPConnection | None:
        """Return this thread's connection; none where the last answer said that it closes."""
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        return connection if connection is not None and connection.sock else None

    def _connect(self) -> http.client.HTTPConnection:
        # Not left to http.client, which would give the answer no longer than the connecting.
        if kept := self._kept():
            return kept
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        connection = kind(self._parts.netloc, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise Broken(f"{type(error).__name__}: {error}") from error
        connection.sock.settimeout(ANSWER_SECONDS)
        self._own.connection = connection
        return connection

    def _disconnect(self) -> None:
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
        self._own.connection = None
