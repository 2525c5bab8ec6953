"""A second service, which shares nothing with the first but the API: another order, other ids, other shapes and moods.

Its list is oldest first, two batches a page, without metadata or times. Bodies are JSON as a string, result files come
late, the error file is empty, every `page_every`th request gets a web page, and the answer to the first batch is lost.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit


class OtherFake(ThreadingHTTPServer):
    """Serves while the `with` block lasts."""

    def __init__(self, *, page_every: int = 6, n_late: int = 2) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"
        self.page_every, self.n_late, self.n_calls, self.lock = page_every, n_late, 0, Lock()
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = []
        self.billed, self.looks, self.asked = Counter[str](), Counter[str](), Counter[str]()

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def store(self, raw: bytes) -> dict[str, Any]:
        name = f"doc.{len(self.files) + 1}~in"
        self.files[name] = raw
        return {"id": name, "status": "ok"}

    def make(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = len(self.batches) + 1
        lines = [self.answer(json.loads(line)) for line in self.files[asked["input_file_id"]].splitlines()]
        self.files |= {f"doc.{name}~out": "".join(lines).encode(), f"doc.{name}~err": b""}
        self.batches.append({"id": name, "status": "QUEUED", "input_file_id": asked["input_file_id"]})
        return self.batches[-1]

    def answer(self, line: dict[str, Any]) -> str:
        """A result line: its error has no code and no response beside it, its reply is JSON as a string."""
        name, body = line["custom_id"], line["body"]
        self.asked[name] += 1
        if "[fails once]" in str(body["messages"]) and self.asked[name] == 1:
            return json.dumps({"custom_id": name, "error": {"type": "overloaded"}}) + "\n"
        self.billed[name] += 1
        field, form = next(iter(body["response_format"]["json_schema"]["schema"]["properties"].items()))
        label = next(label for label in form["enum"] if label in str(body["messages"][-1]))
        choice = {"message": {"content": json.dumps({field: label})}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100.0, "completion_tokens": 10.0, "total_tokens": None}
        reply = {"choices": [choice], "model": body["model"], "usage": usage}
        return json.dumps({"custom_id": name, "response": {"status_code": 200, "body": json.dumps(reply)}}) + "\n"

    def show(self, name: str) -> dict[str, Any]:
        """A batch, which is completed at the second look."""
        batch = self.batches[int(name) - 1]
        self.looks[name] += 1
        if self.looks[name] > 1:
            batch |= {"status": "Completed", "output_file_id": f"doc.{name}~out", "error_file_id": f"doc.{name}~err"}
        return batch

    def page(self, after: str) -> dict[str, Any]:
        start = int(after or 0)
        return {"data": self.batches[start : start + 2], "has_more": start + 2 < len(self.batches)}


class _Handler(BaseHTTPRequestHandler):
    server: OtherFake

    def do_GET(self) -> None:
        url, fake = urlsplit(self.path), self.server
        parts = [unquote(part) for part in url.path.split("/")[2:]]
        if self._moody():
            return
        if parts == ["batches"]:
            self._send(fake.page(parse_qs(url.query).get("after", [""])[0]))
        elif parts[0] == "batches":
            self._send(fake.show(parts[1]))
        elif parts[-1] != "content":
            self._send({"detail": "Method not known."}, 404)
        elif (seen := fake.looks[self.path]) < fake.n_late:
            fake.looks[self.path] = seen + 1
            self._send({"detail": f"{parts[1]} is not there."}, 404)
        else:
            self._send(fake.files[parts[1]])

    def do_POST(self) -> None:
        raw, fake = self.rfile.read(int(self.headers["Content-Length"])), self.server
        if self._moody():
            return
        if self.path == "/v1/files":
            found = re.search(rb'filename="[^"]*".*?\r\n\r\n(.*?)\r\n--', raw, re.DOTALL)
            self._send(fake.store(found[1] if found else b""))
        elif self.path == "/v1/batches":
            made = fake.make(json.loads(raw))
            if len(fake.batches) == 1:
                self.close_connection = True  # the answer is lost
            else:
                self._send(made)

    def _moody(self) -> bool:
        """Count a call; send a web page in place of every so many."""
        with self.server.lock:
            self.server.n_calls += 1
            page = self.server.n_calls % self.server.page_every == 0
        if page:
            self._send(b"<html><title>Sign in</title></html>")
        return page

    def _send(self, found: dict[str, Any] | bytes, status: int = 200) -> None:
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
