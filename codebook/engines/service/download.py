"""Files of a service, streamed to disk and checked: a file that is cut short is never taken for a whole one."""

from __future__ import annotations

import os
from pathlib import Path
from time import sleep

from codebook.engines.service.client import Client
from codebook.errors import UnreachableError

_PAUSES_S = (0.5, 2.0, 5.0)
_BLOCK = 1 << 20


def download(client: Client, file_id: str, target: Path) -> Path:
    """Stream a file to disk; it gets its name only when its size is the one that the service states.

    Raises
    ------
    GoneError
        The service no longer has the file.
    UnreachableError
        The service does not answer, or the file was cut short each time.
    """
    part, error = target.with_name(f".{target.name}.part"), UnreachableError("")
    try:
        for pause_s in (*_PAUSES_S, 0.0):
            try:
                expected = _size(client, file_id)
                n_bytes = client.call(f"file {file_id}", _stream, client, file_id, part)
            except UnreachableError as caught:
                error = caught
            else:
                if expected is None or n_bytes == expected:
                    part.replace(target)
                    return target
                said = f"{n_bytes:,} of {expected:,} bytes arrived"
                error = UnreachableError(f"file {file_id}: {said}. Nothing is lost; collect again later.")
            sleep(pause_s)
        raise error
    finally:
        part.unlink(missing_ok=True)


def _size(client: Client, file_id: str) -> int | None:
    """The size that the service states, if it does."""
    about = client.call(f"file {file_id}", client.sdk.files.retrieve, file_id)
    return about.bytes or None


def _stream(client: Client, file_id: str, part: Path) -> int:
    """Write a file's bytes to disk and return how many there were."""
    with client.sdk.files.with_streaming_response.content(file_id) as response, part.open("wb") as file:
        n_bytes = sum(file.write(block) for block in response.iter_bytes(_BLOCK))
        file.flush()
        os.fsync(file.fileno())
    return n_bytes
