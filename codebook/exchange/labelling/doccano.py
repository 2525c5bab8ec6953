"""doccano: JSON lines, JSON and CSV; a file per member of the project (the file's name is the coder), or one of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from codebook.exchange.collector import Collector, hide_person
from codebook.exchange.export_source import ExportSource, is_json, open_source
from codebook.exchange.offset_counting import place_span
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "doccano"
VARIABLE = "label"
"""The name of its one variable."""
_TOOL = frozenset(("id", "text", "label", "Comments", "entities", "relations", "cats", "filename"))
_SHARED = "all"
_JOINER = "#"
_N_SAMPLES = 200
_NO_LABEL = "without a label: the file does not say if it was seen; `confirmed` names the export of confirmed examples"
Record = Mapping[str, Any]


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of doccano."""
    record = source.record
    if not isinstance(record, dict):
        return {"text", "label", "Comments"} <= set(source.columns)
    is_span = isinstance(record.get("entities"), list) and "relations" in record
    return isinstance(record.get("text"), str) and (is_span or isinstance(record.get("label"), list))


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the file of each member, or that of all."""
    collector = Collector("doccano", "doccano", source.names, options)
    reader = _Reader(collector, _read_confirmed(options))
    for file in source.files:
        reader.read(file, _open_records(source, file, options))
    is_alone = len({row.coder for row in collector.rows}) < 2
    collector.tells_absence = is_alone or not collector.cases[_NO_LABEL]
    return collector.finish()


def _open_records(source: ExportSource, file: Path, options: ReadOptions) -> Iterator[Record]:
    if is_json(file):
        return (record for _, record in source.values(file))
    return iter(source.rows(file, encoding=options.encoding, delimiter=options.delimiter))


def _read_confirmed(options: ReadOptions) -> set[tuple[str, str]] | None:
    """The coders and texts of the export of confirmed examples; None where there is none."""
    if not options.confirmed:
        return None
    with open_source(options.confirmed) as source:
        return {
            (_name_coder(file, options), as_text(record.get("text")))
            for file in source.files
            for record in _open_records(source, file, options)
        }


def _name_coder(file: Path, options: ReadOptions) -> str:
    return options.coder_name or (UNKNOWN_CODER if file.stem == _SHARED else file.stem)


class _Reader:
    def __init__(self, collector: Collector, confirmed: set[tuple[str, str]] | None) -> None:
        self.collector, self.confirmed = collector, confirmed

    def read(self, file: Path, records: Iterator[Record]) -> None:
        collector, coder = self.collector, _name_coder(file, self.collector.options)
        samples = list(islice(records, _N_SAMPLES))
        named = set(collector.options.unit)
        data = [{name: record[name] for name in record if name not in _TOOL or name in named} for record in samples]
        fields = choose_unit(data, collector, "doccano's number, which a column `id` of the data replaces")
        if coder == UNKNOWN_CODER:
            collector.note(
                "The file `all` mixes the labels of all members: two labels of a text may be from two people."
            )
        elif not collector.options.coder_name:
            collector.note(f"The name of the file {hide_person(file.name)} was used as the name of the coder.")
        for record in chain(samples, records):
            collector.record()
            unit = read_unit(record, fields or ("id",))
            if unit:
                self._read_record(record, unit, coder)
            else:
                collector.set_aside("its unit has no id")

    def _read_record(self, record: Record, unit: str, coder: str) -> None:
        collector = self.collector
        labels = self._labels(record)
        if labels is None:
            collector.set_aside("labels joined by `#` that cannot be separated")
            return
        texts = [label for label in labels if isinstance(label, str)]
        spans = [label for label in labels if not isinstance(label, str)]
        is_confirmed = self.confirmed is not None and (coder, as_text(record.get("text"))) in self.confirmed
        notes = [_say_comments(record)]
        if labels and self.confirmed is not None and not is_confirmed:
            notes.append("labelled, not confirmed")
            collector.count("a text was labelled but never confirmed")
        more = {"note": "; ".join(filter(None, notes)), "answer": collector.records}
        if record.get("relations"):
            collector.count("a relation between spans is not a label")
        if texts or not labels:
            collector.mark_set(VARIABLE)
            collector.add(unit, coder, VARIABLE, texts, status=self._status(labels, is_confirmed), **more)
        for span in spans:
            self._add_span(span, unit, coder, as_text(record.get("text")), more)

    def _status(self, labels: Sequence[Any], is_confirmed: bool) -> str:
        if labels:
            return "coded"
        if self.confirmed is None:
            self.collector.count(_NO_LABEL)
        return "empty" if is_confirmed else "not_seen"

    def _add_span(self, span: Any, unit: str, coder: str, text: str, more: dict[str, Any]) -> None:
        if isinstance(span, dict):
            span = (span.get("start_offset"), span.get("end_offset"), span.get("label"))
        start, end, label = span
        place = place_span(text, start, end, "", self.collector)
        self.collector.add(unit, coder, VARIABLE, as_text(label), **{**more, **place.as_row(more["note"])})

    def _labels(self, record: Record) -> list[Any] | None:
        """The labels of a record: texts, or spans; None where they are joined and cannot be told apart."""
        value = record.get("label")
        if isinstance(value, str):
            return self._split(value)
        return [*(value or ()), *(record.get("entities") or ()), *(record.get("cats") or ())]

    def _split(self, cell: str) -> list[str] | None:
        if not cell:
            return []
        options = self.collector.options
        labels = options.labels.get(options.rename(VARIABLE), ())
        ways = list(islice(_split_ways(cell, labels), 2)) if labels else [[cell]] if _JOINER not in cell else []
        if len(ways) == 1:
            return ways[0]
        if not labels:
            problem = f"labels are joined by `#`, which may be a part of a label, as in {cell[:80]!r}"
            mend = "read the JSON lines export, or read it with the codebook, so that its labels show where to split"
        else:
            problem = (
                f"{cell[:80]!r} splits in {'no way' if not ways else 'more than one way'} into labels of the codebook"
            )
            mend = "read the JSON lines export"
        self.collector.ask("label", problem, mend)
        return None


def _split_ways(cell: str, labels: Sequence[str]) -> Iterator[list[str]]:
    """Yield every way in which a cell is labels with `#` between them.

    Examples
    --------
    >>> list(_split_ways("C##for", ["C#", "for", "against"]))
    [['C#', 'for']]
    """
    for label in sorted(labels, key=len, reverse=True):
        if cell == label:
            yield [label]
        elif cell.startswith(label + _JOINER):
            yield from ([label, *rest] for rest in _split_ways(cell[len(label) + 1 :], labels))


def _say_comments(record: Record) -> str:
    value = record.get("Comments")
    return "; ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
