"""Batches of the fake service, without any HTTP: records as served, and the verbs that move them on."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fakes.fake_answers import Answerer, body_digest
from fakes.fake_checks import ENDPOINTS, RefusedError, check_batch
from fakes.fake_lines import Checked, build_results, check_file, fault, usage_of
from fakes.fake_shelf import DAY_S, Shelf

ENDED = ("completed", "failed", "expired", "cancelled")
_STAMPS = ("in_progress_at", "finalizing_at", *(f"{status}_at" for status in ENDED), "cancelling_at")


@dataclass
class Hidden:
    """What a batch's record does not show."""

    owner: str
    number: int
    expires: Any = None
    done: int = 0
    checked: Checked | None = None


class Store(Shelf):
    """The state of the service. Settings are plain attributes; a test changes them as it likes."""

    def __init__(
        self, folder: Path, *, auto: bool | str, reply: str | Callable[[dict[str, Any]], Any] | None, date: str
    ) -> None:
        super().__init__(folder)
        self.auto, self.plain = auto, reply == "plain"
        self.answerer = Answerer(reply if callable(reply) else None, date)
        self.batches: dict[str, dict[str, Any]] = {}
        self.billed: Counter[tuple[str, str]] = Counter()
        self.n_created = 0
        self.hidden: dict[str, Hidden] = {}
        self.seed = 0
        self.n_requests_max = 50_000
        self.windows = ("24h",)
        self.enqueued_limit: dict[str, int] = {}
        self.tokens_of: Callable[[Any], int] = lambda body: len(orjson.dumps(body)) // 4
        self.file_not_ready = 0
        self.cancel_ended_status = 409
        self.writes_expired_lines, self.writes_cancelled_lines = True, False

    # -- batches: what a client asks

    def create_batch(self, owner: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make a batch. A file that does not exist is taken, and found out later."""
        check_batch(body, takes_expiry=not self.refuse_expiry, windows=self.windows)
        if self.file_not_ready > 0:
            self.file_not_ready -= 1
            raise RefusedError(
                400, f"Cannot find file {body['input_file_id']}, or you lack access.", None, "input_file_id"
            )
        with self.lock:
            self.n_created += 1
            batch_id, now = f"batch_{uuid.uuid4().hex}", self.now()
            record = {"id": batch_id, "object": "batch", "endpoint": body["endpoint"], "model": None, "errors": None}
            record |= {key: body.get(key) for key in ("input_file_id", "completion_window", "metadata")}
            record |= {"status": "validating", "output_file_id": None, "error_file_id": None, "created_at": now}
            record |= {"expires_at": now + DAY_S, **dict.fromkeys(_STAMPS)}
            record |= {"request_counts": {"total": 0, "completed": 0, "failed": 0}, "usage": None}
            self.batches[batch_id] = record
            self.hidden[batch_id] = Hidden(owner, self.n_created, body.get("output_expires_after"))
            return record

    def find_batch(self, owner: str, batch_id: str) -> dict[str, Any]:
        """The record of a batch that this owner may see, expired where its time is over."""
        with self.lock:
            record = self.batches.get(batch_id)
            if record is None or self.hidden[batch_id].owner != owner:
                raise RefusedError(404, f"No batch found with id '{batch_id}'.", None, "id")
            if record["status"] not in ENDED and self.now() >= record["expires_at"]:
                self.expire(batch_id)
            return record

    def cancel_batch(self, owner: str, batch_id: str) -> dict[str, Any]:
        """Ask for the end of a batch."""
        with self.lock:
            record = self.find_batch(owner, batch_id)
            if record["status"] in ENDED:
                said = f"Cannot cancel a batch with status '{record['status']}'."
                raise RefusedError(self.cancel_ended_status, said)
            self._enter(record, "cancelling")
            return record

    def step(self, batch_id: str) -> None:
        """One step on its way, as `auto` says."""
        with self.lock:
            record, hidden = self.batches[batch_id], self.hidden[batch_id]
            if not self.auto or record["status"] in ENDED:
                return
            if record["status"] == "cancelling":
                self.cancel(batch_id)
            elif self.auto == "at once" or record["status"] == "finalizing":
                self.finish(batch_id)
            elif record["status"] == "in_progress":
                hidden.done = record["request_counts"]["total"]
                self._enter(record, "finalizing")
            elif self._validate(record):
                self.progress(batch_id, done=record["request_counts"]["total"] // 2)

    # -- batches: what a test orders

    def progress(self, batch_id: str, done: int = 0) -> None:
        """Let a batch run, with `done` requests answered."""
        with self.lock:
            record = self.batches[batch_id]
            if self._validate(record):
                self.hidden[batch_id].done = record["request_counts"]["completed"] = done

    def finish(self, batch_id: str) -> None:
        """Complete a batch, or let it fail validation."""
        with self.lock:
            record = self.batches[batch_id]
            if self._validate(record):
                self._end(record, "completed", record["request_counts"]["total"])

    def expire(self, batch_id: str, done: int | None = None) -> None:
        """Let a batch expire with `done` requests answered."""
        self._stop(batch_id, "expired", done)

    def cancel(self, batch_id: str, done: int | None = None) -> None:
        """Let a batch be cancelled with `done` requests answered."""
        self._stop(batch_id, "cancelled", done)

    def fail(
        self, batch_id: str, code: str = "invalid_request", message: str = "as ordered", line: int | None = None
    ) -> None:
        """Let a batch fail validation."""
        with self.lock:
            self._refuse(self.batches[batch_id], [fault(code, message, line)])

    def settle(self) -> None:
        """Bring every batch to its end."""
        for batch_id, record in list(self.batches.items()):
            if record["status"] == "cancelling":
                self.cancel(batch_id)
            elif record["status"] not in ENDED:
                self.finish(batch_id)

    def forget(self, batch_id: str) -> None:
        """Let a batch vanish."""
        with self.lock:
            del self.batches[batch_id]

    def bill(self, custom_id: str, body: Any) -> None:
        """Note a live answer."""
        with self.lock:
            self.billed[custom_id, body_digest(body)] += 1

    # -- how they move

    def _enter(self, record: dict[str, Any], status: str) -> None:
        record["status"] = status
        record[f"{status}_at"] = record[f"{status}_at"] or self.now()

    def _validate(self, record: dict[str, Any]) -> bool:
        """Check the input once; whether the batch may run."""
        if record["status"] != "validating":
            return record["status"] not in ENDED
        hidden, file_id, faults = self.hidden[record["id"]], record["input_file_id"], []
        if file_id not in self.files or self.file_owner[file_id] != hidden.owner:
            faults = [fault("invalid_request", f"Cannot find file {file_id}.", None, "input_file_id")]
        elif record["endpoint"] not in ENDPOINTS[:3]:
            faults = [fault("invalid_url", f"The fake does not answer {record['endpoint']}.")]
        else:
            path = self.file_path(file_id)
            found = check_file(path, record["endpoint"], n_max=self.n_requests_max, tokens_of=self.tokens_of)
            faults = found.faults or self._check_enqueued(found)
            hidden.checked = found
        if faults:
            self._refuse(record, faults)
            return False
        record |= {"model": self.answerer.snapshot(found.model)}
        record["request_counts"]["total"] = found.n
        self._enter(record, "in_progress")
        return True

    def _check_enqueued(self, found: Checked) -> list[dict[str, Any]]:
        limit = self.enqueued_limit.get(found.model)
        n_running = sum(
            hidden.checked.n_tokens
            for batch_id, hidden in self.hidden.items()
            if hidden.checked
            and hidden.checked.model == found.model
            and batch_id in self.batches
            and self.batches[batch_id]["status"] not in ENDED
        )
        if limit is None or n_running + found.n_tokens <= limit:
            return []
        said = f"Enqueued token limit reached for {found.model} in organization org-fake."
        mend = "Please try again once some in_progress batches have been completed."
        return [fault("token_limit_exceeded", f"{said} Limit: {limit:,} enqueued tokens. {mend}")]

    def _refuse(self, record: dict[str, Any], faults: list[dict[str, Any]]) -> None:
        self._enter(record, "failed")
        record["errors"] = {"object": "list", "data": faults}

    def _stop(self, batch_id: str, status: str, done: int | None) -> None:
        with self.lock:
            record, hidden = self.batches[batch_id], self.hidden[batch_id]
            if record["status"] in ENDED or (record["status"] == "validating" and not self._validate(record)):
                return
            if hidden.checked is None:  # cancelled before it was read
                self._enter(record, status)
            else:
                self._end(record, status, hidden.done if done is None else done)

    def _end(self, record: dict[str, Any], status: str, n_done: int) -> None:
        """Write the results and end."""
        hidden, batch_id = self.hidden[record["id"]], record["id"]
        codes = {"expired": self.writes_expired_lines, "cancelled": self.writes_cancelled_lines}
        paths = [self.folder / f"{batch_id}_{name}.jsonl" for name in ("output", "error")]
        built = build_results(
            self.file_path(record["input_file_id"]),
            *paths,
            self.answerer,
            n_done=n_done,
            seed=f"{self.seed}-{hidden.number}",
            plain=self.plain,
            code=f"batch_{status}" if codes.get(status) else "",
        )
        for name, path in zip(("output", "error"), paths, strict=True):
            is_named = path.stat().st_size or (name == "output" and built.n_ok)  # where every answer was dropped, too
            record[f"{name}_file_id"] = self._keep_results(batch_id, path) if is_named else None
        counts = {"completed": built.n_ok, "failed": built.n_failed}
        record["request_counts"] |= counts
        record |= {"usage": usage_of(built.usage), "model": built.model or record["model"]}
        self.billed.update(built.billed)
        if status == "completed":
            self._enter(record, "finalizing")
        self._enter(record, status)

    def join_results(self, record: dict[str, Any]) -> str:
        """Keep both result files of a batch as one."""
        parts = [record[name] for name in ("output_file_id", "error_file_id") if record[name]]
        path = self.folder / f"{record['id']}_joined.jsonl"
        path.write_bytes(b"".join(self.file_path(part).read_bytes() for part in parts))
        return self._keep_results(record["id"], path)

    def _keep_results(self, batch_id: str, path: Path) -> str:
        hidden = self.hidden[batch_id]
        return str(self.add_file(hidden.owner, path.name, "batch_output", path, hidden.expires)["id"])
