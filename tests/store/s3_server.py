"""A server of the S3 protocol on loopback that can be told to fail; run as a process of its own, so Ray reaches it too.

Prints its address, then serves until its standard input ends. `PUT /-/faults` sets `Faults`, `GET /-/requests` gives
the (method, path) of each request since they were last set.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import get_input_stream

_BODY = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>injected</Message><RequestId>1</RequestId></Error>"


@dataclasses.dataclass(frozen=True)
class Faults:
    """What goes wrong: seconds by which each answer is late, and the share of requests, in [0, 1], that fail.

    `errors` are 500s, `throttled` 503s, and in `cut` the connection is reset, before the request is carried out or in
    the middle of the answer. For `away` seconds from now on every connection is reset.
    """

    latency: float = 0.0
    errors: float = 0.0
    throttled: float = 0.0
    cut: float = 0.0
    away: float = 0.0
    seed: int = 0


class Faulty:
    """Passes requests on to an application, or does what the faults say."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._set(Faults())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith("/-/"):
            return self._control(path, environ, start_response)
        with self._lock:
            self._requests.append((method, path))
            draw, middle = self._random.random(), self._random.random() < 0.5
        faults = self._faults
        if time.monotonic() < self._back:
            return _cut(environ)
        time.sleep(faults.latency)
        for code, status, share in (
            (b"InternalError", "500 Internal Server Error", faults.errors),
            (b"SlowDown", "503 Slow Down", faults.throttled),
        ):
            if draw < share:
                get_input_stream(environ).read()
                start_response(status, [("Content-Type", "application/xml")])
                return [_BODY % code]
            draw -= share
        if draw >= faults.cut:
            return self._application(environ, start_response)
        return self._halved(environ, start_response) if middle else _cut(environ)

    def _control(self, path: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if path == "/-/faults":
            self._set(Faults(**json.loads(get_input_stream(environ).read())))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self._requests).encode()]

    def _set(self, faults: Faults) -> None:
        self._faults, self._back = faults, time.monotonic() + faults.away
        self._requests: list[tuple[str, str]] = []
        self._random, self._lock = random.Random(faults.seed), threading.Lock()

    def _halved(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = b"".join(self._application(environ, start_response))
        yield body[: len(body) // 2]
        yield from _cut(environ)


def _cut(environ: dict[str, Any]) -> Iterable[bytes]:
    """Reset the connection, as when a machine goes away."""
    connection = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ended, other = socket.socketpair()
    other.close()
    # In the place of the connection the handler goes on with one that has ended, and needs no care of its own.
    os.dup2(ended.fileno(), connection.fileno())
    ended.close()
    raise ConnectionResetError


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Keep still."""


def serve() -> None:
    """Serve on a free port of loopback until standard input ends."""
    application = Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
