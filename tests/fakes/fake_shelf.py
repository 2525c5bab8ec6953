"""The clock and the files of the fake service, without any HTTP."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes.fake_checks import RefusedError, check_expiry

DAY_S = 86_400


class Shelf:
    """Files by id, each of an owner (a key), and a clock that a test can put forward or stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        (self.folder / "files").mkdir(parents=True, exist_ok=True)
        self.files: dict[str, dict[str, Any]] = {}
        self.file_owner: dict[str, str] = {}
        self.clock: Callable[[], float] = time.time
        self.offset_s = 0.0
        self.n_bytes_max = 200_000_000
        self.refuse_expiry = False
        self.lock = threading.RLock()

    def now(self) -> int:
        """Seconds since 1970 by the service's clock."""
        return int(self.clock() + self.offset_s)

    def advance(self, *, hours: float = 0, days: float = 0, seconds: float = 0) -> None:
        """Let the service's clock jump."""
        self.offset_s += hours * 3600 + days * DAY_S + seconds

    def stop_clock(self) -> None:
        """Let all that is stamped from now on bear one time, until `advance` is called."""
        moment = self.clock()
        self.clock = lambda: moment

    def file_path(self, file_id: str) -> Path:
        """Where a file lies."""
        return self.folder / "files" / file_id

    def add_file(self, owner: str, name: str, purpose: str, source: Path, expires: Any = None) -> dict[str, Any]:
        """Take a file over from `source`."""
        seconds = check_expiry(expires, "expires_after", taken=not self.refuse_expiry)
        file_id, now = f"file-{uuid.uuid4().hex[:24]}", self.now()
        source.replace(self.file_path(file_id))
        record = {
            "id": file_id,
            "object": "file",
            "bytes": self.file_path(file_id).stat().st_size,
            "created_at": now,
            "expires_at": now + (seconds or 30 * DAY_S) if seconds or purpose.startswith("batch") else None,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        with self.lock:
            self.files[file_id], self.file_owner[file_id] = record, owner
        return record

    def find_file(self, owner: str, file_id: str) -> dict[str, Any]:
        """The record of a file that this owner may see and that has not expired."""
        record = self.files.get(file_id)
        gone = record is None or self.file_owner[file_id] != owner or self.now() >= (record["expires_at"] or 1e12)
        if record is None or gone:
            raise RefusedError(404, f"No such File object: {file_id}", None, "id")
        return record

    def lose_file(self, file_id: str) -> None:
        """Let a file vanish."""
        with self.lock:
            del self.files[file_id]
            self.file_path(file_id).unlink()
