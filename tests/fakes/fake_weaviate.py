"""As much of a Weaviate server as an export meets, on loopback: schema by HTTP, objects by gRPC, both by its protocol.

The messages are the client's own (`weaviate.proto`); nothing of the client is replaced.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
import orjson
import weaviate
from google.protobuf.json_format import MessageToDict
from weaviate.proto.v1 import batch_pb2, weaviate_pb2_grpc


class FakeWeaviate(weaviate_pb2_grpc.WeaviateServicer):
    """What was made and put: `classes` by name, `objects` by id as (class, properties, vector)."""

    def __init__(self) -> None:
        self.classes: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, tuple[str, dict[str, Any], list[float]]] = {}
        self.refuse: set[str] = set()

    def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        errors = []
        for place, given in enumerate(request.objects):
            properties = MessageToDict(given.properties.non_ref_properties)
            raw = given.vector_bytes or (given.vectors[0].vector_bytes if given.vectors else b"")
            if properties.get("text") in self.refuse:
                errors.append(batch_pb2.BatchObjectsReply.BatchError(index=place, error="refused by the test"))
            else:
                self.objects[given.uuid] = (
                    given.collection,
                    properties,
                    list(struct.unpack(f"<{len(raw) // 4}f", raw)),
                )
        return batch_pb2.BatchObjectsReply(took=0.0, errors=errors)


@contextmanager
def serve_weaviate() -> Iterator[tuple[FakeWeaviate, weaviate.WeaviateClient]]:
    """The fake, and a real client that speaks to it."""
    fake = FakeWeaviate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            if self.path == "/v1/meta":
                self._say(200, {"version": "1.33.0", "hostname": "fake", "modules": {}})
            elif name in fake.classes:
                self._say(200, fake.classes[name])
            else:
                self._say(404, {"error": [{"message": "no such thing"}]})

        def do_POST(self) -> None:
            made = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.classes[made["class"]] = made
            self._say(200, made)

        def _say(self, status: int, body: Any) -> None:
            raw = orjson.dumps(body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=web.serve_forever)
    thread.start()
    calls = grpc.server(ThreadPoolExecutor(2))
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(fake, calls)
    port = calls.add_insecure_port("127.0.0.1:0")
    calls.start()
    here = {"http_host": "127.0.0.1", "http_port": web.server_port, "grpc_host": "127.0.0.1", "grpc_port": port}
    try:
        client = weaviate.connect_to_custom(
            **here,
            http_secure=False,
            grpc_secure=False,
            skip_init_checks=True,  # type: ignore[arg-type]
        )
        with client:
            yield fake, client
    finally:
        calls.stop(None).wait()
        web.shutdown()
        thread.join()
        web.server_close()
