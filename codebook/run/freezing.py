"""Instrument and prompt marked as final, and each opening of the test part of the gold: one file of the project.

`freezes.jsonl` is only ever added to. Gold that instrument or prompt were changed after is not the gold that is
reported, so a run opens the test part by itself only if it asked exactly what was frozen, and a figure says where the
test part was opened for something else before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from codebook.engines.unasked import is_replayed
from codebook.errors import Fault
from codebook.files.lines import digest, dump_line, read_lines, write_whole
from codebook.ledger.claims import now
from codebook.paths import project_folder
from codebook.records import Asking, Unit
from codebook.requests import RequestMaker
from codebook.run.folder import RunFolder
from codebook.scheme import Codebook, diff_codebooks
from codebook.tasks import make_questions

if TYPE_CHECKING:
    from codebook.analysis.core.gold_samples import GoldSample

FREEZES = "freezes.jsonl"
_FROZEN, _OPENED = "frozen", "test part opened"
_SAMPLE = Unit("sample", "A text.")
_N_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Freeze:
    """What was marked as final: the instrument, what a model is sent for one text, and when."""

    at: str
    book: Codebook
    prompt: str
    model: str
    is_new: bool = True

    def __str__(self) -> str:
        model = f", asked of {self.model}" if self.model else ""
        state = "is marked as final" if self.is_new else "was marked as final before, and has not changed"
        return (
            f"codebook {self.book.name} {self.book.version}, {self.book.digest[:8]}{model}: {state} ({self.at[:10]}, "
            f"{FREEZES}). The test part of the gold opens for runs that ask exactly this."
        )

    __repr__ = __str__

    def find_change(self, book: Codebook, prompt: str) -> str:
        """Say what is not as it was frozen; empty where nothing is."""
        if prompt == self.prompt and book.digest == self.book.digest:
            return ""
        changes = [str(change) for change in diff_codebooks(self.book, book)][:_N_CHANGES]
        what = "; ".join(changes) or "the model, its settings or the endpoint"
        return f"what was frozen on {self.at[:10]} was changed since: {what}"


def freeze(book: Codebook, asking: Asking) -> Freeze:
    """Mark instrument and prompt, which is what a model is sent, as final. Repeated without a change: nothing new."""
    asking = _know_model(asking)
    prompt, before = digest_prompt(book, asking), find_freeze(book.name)
    if before and not before.find_change(book, prompt):
        return replace(before, is_new=False)
    line = {"event": _FROZEN, "at": now(), "codebook": book.name, "prompt": prompt, "model": asking.model}
    _add_line(line | {"instrument": book.model_dump(mode="json", exclude_defaults=True)})
    return Freeze(line["at"], book, prompt, asking.model)


def digest_prompt(book: Codebook, asking: Asking) -> str:
    """SHA-256 of all that a model is sent about one text: endpoint, model, words, schema and settings."""
    maker = RequestMaker(make_questions(book), model=asking.model, url=asking.url, settings=asking.settings)
    return digest(*(request.request_key for request in maker.ask(_SAMPLE)))


def find_freeze(name: str) -> Freeze | None:
    """The last freeze of the codebook of this name, or None."""
    lines = [line for line in _read_events(_FROZEN) if line["codebook"] == name]
    if not lines:
        return None
    last = lines[-1]
    return Freeze(last["at"], Codebook.model_validate(last["instrument"]), last["prompt"], last["model"], is_new=False)


def open_sample(
    folder: RunFolder, book: Codebook, asking: Asking, *, file: str, part: str, unlock: bool
) -> GoldSample | None:
    """Find the gold sample of a run, as `open_gold_sample` does; its test part is open where all is as it was frozen.

    An opening is noted, and one that was for another instrument or prompt is told with the sample. A replay opens what
    the archived run opened, and notes nothing.
    """
    from codebook.sampling import open_gold_sample

    if is_replayed(folder.runs):
        opened = any(line["run"] == folder.name for line in read_openings())
        return open_gold_sample(folder.path, file=file, part=part, unlock=unlock or opened)
    frozen = find_freeze(book.name)
    prompt = digest_prompt(book, asking) if frozen or unlock else ""
    change = frozen.find_change(book, prompt) if frozen else ""
    is_final = frozen is not None and not change
    sample = open_gold_sample(folder.path, file=file, part=part, unlock=unlock or is_final)
    if sample is None or sample.declined or part == "dev":
        return sample
    if sample.locked:
        return replace(sample, locked=tuple(_add_reason(fault, change) for fault in sample.locked))
    earlier = [line for line in read_openings() if line["sample"] == sample.name]
    if not any(line["prompt"] == prompt for line in earlier):
        line = {"event": _OPENED, "at": now(), "sample": sample.name, "run": folder.name, "prompt": prompt}
        with suppress(OSError):  # a project on a medium that is only read
            _add_line(line)
    return replace(sample, remark=_say_earlier(earlier, prompt))


def read_openings() -> list[dict[str, Any]]:
    """Each opening of the test part of a gold sample: when, by which run, for which prompt."""
    return list(_read_events(_OPENED))


def _add_reason(fault: Fault, change: str) -> Fault:
    return replace(fault, problem=f"{fault.problem}: {change}") if change else fault


def _say_earlier(earlier: list[dict[str, Any]], prompt: str) -> str:
    """Say that the test part was opened for something else; what was changed since may be fitted to it."""
    others = [line for line in earlier if line["prompt"] != prompt]
    if not others:
        return ""
    return (
        f"The test part was opened on {others[0]['at'][:10]} by run {others[0]['run']}, and codebook, model or "
        "settings were changed since: figures on it may flatter."
    )


def _know_model(asking: Asking) -> Asking:
    """The same with the model that an engine has of its own."""
    with TemporaryDirectory() as scratch:
        return replace(asking, model=RunFolder("freeze", Path(scratch)).make_engine(asking).model)


def _read_events(event: str) -> Iterator[dict[str, Any]]:
    path = project_folder() / FREEZES
    return (line for line in (read_lines(path) if path.is_file() else ()) if line.get("event") == event)


def _add_line(line: Mapping[str, Any]) -> None:
    path = project_folder() / FREEZES
    before = path.read_bytes() if path.is_file() else b""
    write_whole(path, before + dump_line(line))
