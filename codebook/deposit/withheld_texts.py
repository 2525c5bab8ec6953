"""Texts of units, kept out of a deposit: as digests, by which who has them can check them, or not at all.

Requests become their keys, replies keep labels and counts; ids, coverage and every figure stay as they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from codebook.deposit.deposit_layout import Texts
from codebook.files.digests import N_SHOWN, digest_of
from codebook.files.lines import digest_file, dump_canonical, read_lines, write_lines
from codebook.files.rows import open_rows
from codebook.records import request_key
from codebook.run import RunFolder
from codebook.scheme import Codebook
from codebook.tasks import make_questions

GONE = "[withheld]"
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
    """What stands in place of texts; requests that were alike stay alike, and differ from all others.

    Examples
    --------
    >>> Withholding("redact").text("Coal is cheap."), Withholding("digest").text("Coal is cheap.")[:14]
    ('[withheld]', 'sha256:d20f06d')
    >>> Withholding("redact", labels={"yes"}).reply('{"label": "yes", "quote": "Coal is cheap."}')
    '{"label":"yes","quote":"[withheld]"}'
    """

    texts: Texts
    labels: Collection[str] = ()
    words: Collection[str] = ("label", "quote")
    keys: dict[str, str] = field(default_factory=dict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def text(self, text: str) -> str:
        """What stands in place of a text; an empty one stays empty."""
        if not text:
            return text
        return f"sha256:{sha256(text.encode()).hexdigest()}" if self.texts == "digest" else GONE

    def reply(self, text: str) -> str:
        """A reply with its labels and numbers, and nothing else that it says."""
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text if text in self.labels else self.text(text)
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


def make_withholding(texts: Texts, book: Codebook) -> Withholding:
    """What withholds the texts of runs with this codebook: its labels are no texts."""
    labels = {label for variable in book.variables for label in variable.labels if not variable.is_open}
    words = {name for question in make_questions(book).values() for name in _names_of(question.schema)}
    return Withholding(texts, labels=labels, words={*words, *(variable.name for variable in book.variables)})


def _names_of(schema: Any) -> Iterator[str]:
    """The names of all fields that a schema asks for."""
    if isinstance(schema, list):
        yield from (name for each in schema for name in _names_of(each))
    elif isinstance(schema, dict):
        yield from schema.get("properties", {})
        yield from (name for each in schema.values() for name in _names_of(each))


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
    _write_table(folder.table_path, target / "table.csv", hold, folder.read_codebook())
    record["units"]["sha256"] = digest_file(target / "units.jsonl")
    record["warnings"] = []
    record["files"] = {f"{place.split('/')[0]}/{name}": digest for place, (name, digest) in names.items()}
    record["withheld"] = {"texts": hold.texts, "was": {"units.jsonl": digest_of(folder.units_path)}}
    record["withheld"]["was"] |= {name: digest_of(folder.path / place) for place, (name, _) in names.items()}
    (target / "run.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


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


def _write_table(source: Path, target: Path, hold: Withholding, book: Codebook) -> None:
    """Write a run's table without replies, quotes and reasons, and without labels that are texts."""
    import csv

    from codebook.codings import read_table

    table, is_open = read_table(source), {each.name: each.is_open for each in book.variables}
    for name, change in (("raw", hold.reply), ("evidence", hold.text), ("detail", hold.text)):
        if name in table:
            table[name] = [change(cell) if isinstance(cell, str) else cell for cell in table[name]]
    opened = table["variable"].map(is_open) & table["label"].notna()
    table.loc[opened, "label"] = [hold.text(label) for label in table.loc[opened, "label"]]
    table.to_csv(target, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")


# --- the data of the study


def write_units_table(
    source: Path,
    target: Path,
    form: Mapping[str, Any],
    *,
    hold: Withholding | None,
    texts: Collection[str],
    drop: Collection[str],
) -> None:
    """Write a table of units as csv, without some columns, such as those of coders, and what `hold` withholds.

    That is its texts, and every other column that holds prose.
    """
    import csv

    keys = ("sheet", "encoding", "delimiter", "skip_rows", "query")
    rows = list(open_rows(source, **{key: value for key, value in form.items() if key in keys}))
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in drop]
    prose = {name for name in columns if name in texts or is_prose([row.get(name, "") for row in rows])}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            cells = ((name, row.get(name, "")) for name in columns)
            writer.writerow([hold.text(cell) if hold and name in prose else cell for name, cell in cells])
