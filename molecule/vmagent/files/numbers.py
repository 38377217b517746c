"""What the agent scrapes on port 9500: every answer has a number, so that a lost one shows."""

import itertools
from http.server import BaseHTTPRequestHandler, HTTPServer

numbers = itertools.count(1)


class Numbers(BaseHTTPRequestHandler):
    """Answers with a number."""

    def log_message(self, *_arguments):
        """Say nothing."""

    def do_GET(self):
        page = f"scrape_number {next(numbers)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", 9500), Numbers).serve_forever()
