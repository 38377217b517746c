"""Everybody who is told of alerts: HTTP on port 8080, mail on port 2525; GET / shows what came."""

import base64
import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

came = []


class Web(BaseHTTPRequestHandler):
    """Takes webhooks, and the APIs of Slack and PagerDuty."""

    def log_message(self, *_arguments):
        """Say nothing."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came.append({"path": self.path, "body": json.loads(body), "at": time.time()})
        if self.path == "/pagerduty":
            self._answer(202, "application/json", b'{"status": "success"}')
        else:
            self._answer(200, "text/plain", b"ok")

    def do_GET(self):
        self._answer(200, "application/json", json.dumps(came).encode())

    def _answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Mail(socketserver.StreamRequestHandler):
    """Takes mail, after a login."""

    def handle(self):
        login, lines = [], self._lines()
        self._say("220 listener")
        for line in lines:
            command = line.upper().split(" ")[0]
            if command == "EHLO":
                self._say("250-listener\r\n250 AUTH LOGIN")
            elif command == "AUTH":
                for question in ("Username:", "Password:"):
                    self._say("334 " + base64.b64encode(question.encode()).decode())
                    login.append(base64.b64decode(self.rfile.readline()).decode())
                self._say("235 ok")
            elif command == "DATA":
                self._say("354 go on")
                text = list(iter(lambda: next(lines), "."))
                came.append({"path": "mail", "body": {"login": login, "text": text}})
                self._say("250 ok")
            else:
                self._say("221 bye" if command == "QUIT" else "250 ok")

    def _say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def _lines(self):
        while line := self.rfile.readline():
            yield line.decode().rstrip("\r\n")


class MailServer(socketserver.ThreadingTCPServer):
    """Answers several at once."""

    allow_reuse_address = True


if __name__ == "__main__":
    threading.Thread(target=MailServer(("", 2525), Mail).serve_forever, daemon=True).start()
    ThreadingHTTPServer(("", 8080), Web).serve_forever()
