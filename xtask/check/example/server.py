"""A server of the contract, for tools that ask servers: `python3 server.py` prints its address and serves until it is ended.

The token is `secret`. It needs nothing but Python. What it knows is one station and one rental; what it is told is checked and forgotten.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

STATION = {"id": "st_42", "name": "Praça do Comércio", "bikes": 7, "docks": 5}
RENTAL = {
    "id": "rt_9",
    "station_id": "st_42",
    "kind": "cargo",
    "status": "active",
    "started_at": "2026-05-04T08:00:00Z",
    "price_cents": None,
}
PATHS = [
    (r"/v1/stations", {"GET": "list_stations"}),
    (r"/v1/stations/([^/]+)", {"GET": "get_station"}),
    (r"/v1/rentals", {"POST": "create_rental"}),
    (r"/v1/rentals/([^/]+)", {"GET": "get_rental"}),
    (r"/v1/rentals/([^/]+)/return", {"POST": "return_bike"}),
]


class Failure(Exception):
    def __init__(self, status, code, message, **headers):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


def number(query, name, least, most):
    for text in query.get(name, []):
        if not re.fullmatch(r"-?[0-9]+", text) or not least <= int(text) <= most:
            raise Failure(400, "bad_request", f"{name} is out of range")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def list_stations(self):
        query = {}
        for name, value in parse_qsl(urlsplit(self.path).query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        if any(len(query.get(name, [])) > 1 for name in ("city", "min_bikes", "limit")) or "city" not in query:
            raise Failure(400, "bad_request", "city is missing, or something stands twice")
        number(query, "min_bikes", 0, float("inf"))
        number(query, "limit", 1, 100)
        return 200, {"stations": [STATION]}

    def get_station(self, station):
        return 200, self.known(station, STATION)

    def create_rental(self):
        body = self.body()
        if not isinstance(body.get("station_id"), str):
            raise Failure(400, "bad_request", "station_id is missing")
        if body.get("kind", "city") not in ("city", "cargo", "electric"):
            raise Failure(400, "bad_request", "there is no such kind")
        note = body.get("note", "")
        if not isinstance(note, str) or len(note) > 200:
            raise Failure(400, "bad_request", "note is too long")
        self.known(body["station_id"], STATION)
        return 201, RENTAL

    def get_rental(self, rental):
        return 200, self.known(rental, RENTAL)

    def return_bike(self, rental):
        body = self.body()
        if not isinstance(body.get("station_id"), str):
            raise Failure(400, "bad_request", "station_id is missing")
        self.known(rental, RENTAL)
        return 200, {**RENTAL, "status": "returned", "price_cents": 450}

    def known(self, wanted, thing):
        if wanted != thing["id"]:
            raise Failure(404, "not_found", "There is no such station or rental.")
        return thing

    def body(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.close_connection = "Transfer-Encoding" in self.headers
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        kind = (self.headers.get("Content-Type") or "").split(";")[0].strip().lower()
        if not isinstance(body, dict) or kind != "application/json":
            raise Failure(400, "bad_request", "the body is no JSON object")
        return body

    def answered(self):
        for pattern, methods in PATHS:
            if found := re.fullmatch(pattern, urlsplit(self.path).path):
                if self.command not in methods:
                    raise Failure(405, "method", "There is no such method.", Allow=", ".join(methods))
                if self.headers.get("Authorization") != "Bearer secret":
                    raise Failure(401, "unauthorized", "The token is missing or has expired.", **{"WWW-Authenticate": "Bearer"})
                return getattr(self, methods[self.command])(*found.groups())
        raise Failure(404, "not_found", "There is no such path.")

    def handle_one(self):
        headers = {}
        try:
            status, body = self.answered()
        except Failure as failure:
            status, body, headers = failure.status, {"code": failure.code, "message": str(failure)}, failure.headers
            # What was not read of a request would be taken for the next one.
            self.close_connection = True
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = handle_one

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
