"""Texts of units, kept out of a deposit: as digests, by which whoever has them can check them, or not at all.

Requests become their keys, replies keep labels and counts; ids, coverage and every figure stay as they are.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from codebook.deposit.deposit_layout import Texts
from codebook.deposit.leak_search import Traces
from codebook.dialects.replies import MESSAGES
from codebook.dialects.resultlines import find_twice
from codebook.files.digests import N_SHOWN, digest_of
from codebook.files.lines import digest_file, dump_canonical, read_lines, write_json, write_lines
from codebook.files.tables.rows import open_rows
from codebook.records import request_key
from codebook.run import RunFolder
from codebook.scheme import Codebook, read_codebook, write_codebook
from codebook.tasks import make_questions

_PLAIN = frozenset(
    {"id", "object", "model", "role", "finish_reason", "status", "type", "system_fingerprint", "service_tier", "code"}
    | {"custom_id", "request_id", "incomplete_details", "reason"}
)
"""Keys of a result line whose texts say nothing of a unit."""
_REPLIES = frozenset({"content", "text", "arguments"})
_PROSE = 80
"""Letters of a cell from which on its column is taken for texts."""


@dataclass
class Withholding:
    """What stands in place of texts: equal texts get the same word, other texts get other words.

    Examples
    --------
    >>> Withholding("digest").text("Coal is cheap.")[:14]
    'sha256:d20f06d'
    >>> redacted, other = Withholding("redact", labels={"yes"}), Withholding("redact")
    >>> redacted.text("Coal is cheap.") == redacted.text("Coal is cheap.") != other.text("Coal is cheap.")
    True
    >>> redacted.reply('{"label": "yes", "quote": "Coal is cheap."}')[:32]
    '{"label":"yes","quote":"withheld'
    """

    texts: Texts
    labels: Collection[str] = ()
    words: Collection[str] = ("label", "quote")
    opened: Collection[str] = ()
    traces: Traces = field(default_factory=lambda: Traces.of(()))
    keys: dict[str, str] = field(default_factory=dict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def text(self, text: str) -> str:
        """What stands in place of a text: its digest, or a word that nobody can compute from it; empty stays empty."""
        if not text:
            return text
        if self.texts == "digest":
            return f"sha256:{sha256(text.encode()).hexdigest()}"
        return f"withheld-{sha256(self._salt + text.encode()).hexdigest()[:16]}"

    def label(self, text: str) -> str:
        """A label that is no choice from a list, as it is read from a reply that was withheld."""
        return self.reply(text) if text.startswith(("{", "[")) else self.text(text)

    def reply(self, text: str) -> str:
        """A reply with its labels and numbers, and nothing else that it says; several messages stay several."""
        return MESSAGES.join(map(self._message, text.split(MESSAGES)))

    def _message(self, text: str) -> str:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text if text in self.labels else self.text(text)
        if find_twice(text, value):  # it is no answer, and would be one with the last of them alone
            return self.text(text)
        return dump_canonical(self._part(value)).decode()

    def _part(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._word(name): self._part(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._part(inner) for inner in value]
        return value if not isinstance(value, str) or value in self.labels else self.text(value)

    def _word(self, name: str) -> str:
        return name if name in self.words or name in self.labels else self.text(name)

    def body(self, body: Any) -> dict[str, str]:
        """What stands in place of the body of a request: its digest, or a word that nobody can compute from texts."""
        raw = dump_canonical(body)
        name = sha256(raw) if self.texts == "digest" else sha256(self._salt + raw)
        return {"model": str(body["model"]), "withheld": name.hexdigest()}

    def result(self, value: Any, key: str = "") -> Any:
        """A result line, or a part of one, without what may tell of a unit."""
        if isinstance(value, dict):
            return {name: self.result(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return (
                [] if key in ("embedding", "tokens", "top_logprobs", "bytes") else [self.result(e, key) for e in value]
            )
        if not isinstance(value, str) or key in _PLAIN:
            return [] if key == "embedding" else value
        return self.reply(value) if key in _REPLIES else self.text(value)


def make_withholding(texts: Texts, book: Codebook, traces: Traces) -> Withholding:
    """What withholds the texts of runs with this codebook: its labels, and the choices in its records, are no texts."""
    opened = {variable.name for variable in book.variables if variable.is_open}
    labels = {label for variable in book.variables for label in variable.labels if variable.name not in opened}
    words = {variable.name for variable in book.variables}
    for part in (part for question in make_questions(book).values() for part in _list_parts(question.schema)):
        words.update(part.get("properties", ()))
        labels.update(each for each in part.get("enum", ()) if isinstance(each, str))
    return Withholding(texts, labels=labels, words=words, opened=opened, traces=traces)


def _list_parts(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas inside it."""
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _list_parts(each)


def write_book(source: Path, target: Path, hold: Withholding) -> Codebook:
    """Write a codebook as it is, or, where an example of it tells words of a unit, without these; return what it is."""
    book = read_codebook(source)
    raw = book.model_dump(mode="json", exclude_defaults=True)
    told = [
        (each, name)
        for each in _list_examples(raw)
        for name in ("text", "why")
        if hold.traces.are_in(each.get(name, ""))
    ]
    for example, name in told:
        example[name] = hold.text(example[name])
    if not told:
        shutil.copyfile(source, target)
        return book
    changed = Codebook.model_validate(raw)
    write_codebook(changed, target)
    return changed


def _list_examples(raw: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for variable in raw["variables"]:
        for category in (*variable.get("categories", ()), *variable.get("abstain", ())):
            yield from category.get("examples", ())


# --- the folder of a run


def withhold_run(folder: RunFolder, target: Path, hold: Withholding) -> None:
    """Write a run's folder without texts, so that it fits together again; those that it rests on come before it."""
    record, names = folder.read_record(), dict[str, tuple[str, str]]()
    write_lines(target / "units.jsonl", (_without_text(line, hold) for line in read_lines(folder.units_path)))
    for path in sorted(folder.shards.glob("[0-9]*.jsonl")):
        names[f"shards/{path.name}"] = _write(
            target / "shards", path, (_request(line, hold) for line in read_lines(path))
        )
    for path in sorted(folder.results.glob("[0-9]*.jsonl")):
        names[f"results/{path.name}"] = _write(target / "results", path, map(hold.result, read_lines(path)))
    write_lines(
        target / "ledger.jsonl", (_carried(line, names, target, hold) for line in read_lines(folder.carried_path))
    )
    was = folder.read_codebook()
    book = write_book(folder.codebook_path, target / "codebook.yaml", hold)
    _write_table(folder.table_path, target / "table.csv", hold, was, book)
    record["codebook"]["sha256"] = book.digest
    record["units"]["sha256"] = digest_file(target / "units.jsonl")
    record["warnings"] = []
    record["files"] = {f"{place.split('/')[0]}/{name}": digest for place, (name, digest) in names.items()}
    record["withheld"] = {"texts": hold.texts, "was": {"units.jsonl": digest_of(folder.units_path)}}
    record["withheld"]["was"] |= {name: digest_of(folder.path / place) for place, (name, _) in names.items()}
    write_json(target / "run.json", record)


def _without_text(line: dict[str, Any], hold: Withholding) -> dict[str, Any]:
    context = {name: hold.text(value) if is_prose([value]) else value for name, value in line["context"].items()}
    rest = {name: value for name, value in line.items() if name not in ("files", "loss")}
    return rest | {"text": hold.text(line["text"]), "context": context}


def is_prose(cells: Collection[str]) -> bool:
    """Whether cells hold texts and no names, codes or numbers.

    Examples
    --------
    >>> is_prose(["2026", "Ms Muster, Berlin"]), is_prose(["a word, and then " * 5])
    (False, True)
    """
    return any(len(cell) > _PROSE for cell in cells)


def _request(line: dict[str, Any], hold: Withholding) -> dict[str, Any]:
    body, draw = hold.body(line["body"]), _draw_of(line["custom_id"])
    old = request_key(line["url"], dump_canonical(line["body"]), draw)
    hold.keys[old] = request_key(line["url"], dump_canonical(body), draw)
    return line | {"body": body}


def _draw_of(custom_id: str) -> int:
    """The draw that the name of a request tells."""
    parts = custom_id.split(".")
    return int(parts[-2]) if len(parts) > 2 and parts[-2].isdecimal() else 0


def _write(folder: Path, source: Path, lines: Iterator[Any]) -> tuple[str, str]:
    """Write the lines of a file; return its name, which tells its digest, and the digest."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / ".fresh"
    write_lines(fresh, lines)
    sha = digest_file(fresh)
    number, _, rest = source.name.partition("-")
    kind = rest.removesuffix(".jsonl").partition("-")[2]
    name = f"{number}-{sha[:N_SHOWN]}{f'-{kind}' if kind else ''}.jsonl"
    fresh.replace(folder / name)
    return name, sha


def _carried(
    line: dict[str, Any], names: Mapping[str, tuple[str, str]], target: Path, hold: Withholding
) -> dict[str, Any]:
    """A line of what the folder carries of the ledger, with the files and keys as they are now."""
    if "elsewhere" in line:
        line["elsewhere"] = {name: [hold.keys.get(key, key), run] for name, (key, run) in line["elsewhere"].items()}
    if shard := line.get("shard"):
        name, sha = names.get(f"shards/{shard['file']}", (shard["file"], shard["sha256"]))
        n_bytes = (target / "shards" / name).stat().st_size if (target / "shards" / name).is_file() else 0
        line["shard"] = shard | {"file": name, "sha256": sha, "n_bytes": n_bytes, "note": ""}
    if "files" in line:
        line["files"] = [names.get(f"results/{name}", (name, ""))[0] for name in line["files"]]
    if line.get("missing"):
        line["missing"] = [line["missing"][0], hold.text(line["missing"][1]), *line["missing"][2:]]
    if others := line.get("others"):
        line["others"] = {name: [why, hold.text(detail), *rest] for name, (why, detail, *rest) in others.items()}
    if job := line.get("job"):
        line["job"] = job | {"note": ""}
    return line


def _write_table(source: Path, target: Path, hold: Withholding, was: Codebook, book: Codebook) -> None:
    """Write a run's table without replies, quotes, reasons and labels that are texts; models name the codebook here."""
    import csv

    from codebook.codings import read_table

    table = read_table(source)
    for name, change in (("raw", hold.reply), ("evidence", hold.text), ("detail", hold.text)):
        if name in table:
            table[name] = [change(cell) if isinstance(cell, str) else cell for cell in table[name]]
    opened = table["variable"].isin(hold.opened) & table["label"].notna()
    table.loc[opened, "label"] = [hold.label(label) for label in table.loc[opened, "label"]]
    table["coder"] = table["coder"].str.replace(f"@{was.digest[:8]}", f"@{book.digest[:8]}", regex=False)
    table.to_csv(target, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")


# --- the data of the study


def read_units_table(source: Path, form: object) -> list[dict[str, str]]:
    """The rows of a table of units, in the form that study.yaml says."""
    keys = ("sheet", "encoding", "delimiter", "skip_rows", "query")
    options = form.items() if isinstance(form, Mapping) else ()
    return list(open_rows(source, **{key: value for key, value in options if key in keys}))


def write_units_table(
    rows: Sequence[Mapping[str, str]],
    target: Path,
    *,
    hold: Withholding | None,
    texts: Collection[str],
    drop: Collection[str],
) -> None:
    """Write a table of units as csv, without some columns, such as those of coders, and what `hold` withholds.

    That is its texts, and every other column that holds prose.
    """
    import csv

    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in drop]
    prose = {name for name in columns if name in texts or is_prose([row.get(name, "") for row in rows])}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            cells = ((name, row.get(name, "")) for name in columns)
            writer.writerow([hold.text(cell) if hold and name in prose else cell for name, cell in cells])
