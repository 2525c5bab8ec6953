"""Label Studio: its JSON (a task per unit, with annotations, drafts and predictions), and the door to its tables.

Its JSON_MIN, CSV and TSV, which lack skips and drafts, are read by `label_studio_table.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.labelling.label_studio_table import is_table, read_table
from codebook.exchange.labelling.label_studio_values import add_result
from codebook.exchange.reading import MODEL, Reading, ReadOptions
from codebook.exchange.unit_fields import choose_unit, read_unit
from codebook.files.tables.formats import as_text

TITLE = "Label Studio"
_N_SAMPLES = 200
_N_NAMED = 5


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Label Studio."""
    return is_tasks(source.record) or is_table(source)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read an export of Label Studio: JSON by its annotations, the others by their columns."""
    return read_table(source, options) if is_table(source) else read_tasks(source, options)


def is_tasks(record: Any) -> bool:
    """Whether a JSON value is a task of Label Studio: exported with its annotations, or written for its import."""
    if not isinstance(record, dict) or not isinstance(record.get("data"), dict):
        return False
    return not {"annotations", "predictions"}.isdisjoint(record) or set(record) == {"data"}


def read_tasks(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the tasks of a JSON export, one after the other."""
    collector = Collector("label_studio", "Label Studio, JSON", source.names, options)
    reader = _TaskReader(collector)
    for file in source.files:
        reader.read(task for _, task in source.values(file))
    reader.tell_twins()
    return collector.finish()


class _TaskReader:
    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.n_tasks = Counter[str]()
        self.fields: tuple[str, ...] = ()

    def read(self, tasks: Iterator[Any]) -> None:
        samples = list(islice(tasks, _N_SAMPLES))
        data = [task["data"] for task in samples if is_tasks(task)]
        self.fields = choose_unit(data, self.collector, "the task's number")
        for task in chain(samples, tasks):
            if is_tasks(task):
                self._read_task(task)
            else:
                self.collector.record()
                self.collector.set_aside("not a task: it has no `data`")

    def _read_task(self, task: Mapping[str, Any]) -> None:
        collector, data = self.collector, task["data"]
        unit = read_unit(data, self.fields) if self.fields else as_text(task.get("id"))
        every = [*(task.get("annotations") or ()), *(task.get("drafts") or ()), *(task.get("predictions") or ())]
        if not unit:
            for _ in every or [None]:
                collector.record()
                collector.set_aside("its unit has no id")
            return
        self.n_tasks[unit] += 1
        for annotation in task.get("annotations") or ():
            self._read_annotation(annotation, unit, data)
        for draft in task.get("drafts") or ():
            self._read_draft(draft, unit)
        for prediction in task.get("predictions") or ():
            self._read_prediction(prediction, unit, data)
        if not every:
            collector.record()
            collector.add(unit, "", status="not_seen")

    def _read_annotation(self, annotation: Any, unit: str, data: Mapping[str, Any]) -> None:
        collector = self.collector
        collector.record()
        if not isinstance(annotation, dict):
            collector.set_aside("an annotation that is only a number: export annotations with their results")
            return
        coder = name_coder(annotation.get("completed_by"))
        time = as_text(annotation.get("created_at"))
        if annotation.get("was_cancelled"):
            note = "it had labels, which do not count as an answer" if annotation.get("result") else ""
            collector.add(unit, coder, status="skipped", note=note, time=time)
            return
        note = self._note(annotation, coder)
        answer = collector.records
        results = annotation.get("result") or []
        n_before = collector.made
        for result in results:
            more = {"time": time, "answer": answer, "note": note}
            add_result(collector, result, unit, coder, data, **more)
        if collector.made == n_before:
            collector.add(unit, coder, status="empty", note=note, time=time, answer=answer)

    def _note(self, annotation: Mapping[str, Any], coder: str) -> str:
        changed = annotation.get("updated_by")
        parts = ["ground truth"] if annotation.get("ground_truth") else []
        if changed is not None and name_coder(changed) != coder:
            self.collector.count("an annotation was changed by another person; it still counts as its coder's")
            parts.append("changed by another person")
        return "; ".join(parts)

    def _read_draft(self, draft: Any, unit: str) -> None:
        self.collector.record()
        draft = draft if isinstance(draft, dict) else {}
        note = "of a submitted annotation" if draft.get("annotation") else ""
        time = as_text(draft.get("created_at"))
        self.collector.add(unit, name_coder(draft.get("user")), status="draft", note=note, time=time)

    def _read_prediction(self, prediction: Any, unit: str, data: Mapping[str, Any]) -> None:
        """A prediction: in most exports its number only, in older ones and in files to import all of it."""
        collector = self.collector
        collector.record()
        whole = prediction if isinstance(prediction, dict) else {}
        model = as_text(whole.get("model_version")) or MODEL
        n_before = collector.made
        for result in whole.get("result") or ():
            add_result(collector, result, unit, model, data, status="prediction", answer=0)
        if collector.made == n_before:
            collector.add(unit, model, status="prediction")

    def tell_twins(self) -> None:
        """Say which units stand in several tasks."""
        twice = [unit for unit, n in self.n_tasks.items() if n > 1]
        if twice:
            names = ", ".join(map(repr, twice[:_N_NAMED]))
            problem = f"{len(twice):,} units occur in several tasks (first: {names})"
            self.collector.note(f"{problem}: codings of all their tasks count as codings of one unit.")


def name_coder(value: Any) -> str:
    """The name of a coder: a number, an e-mail address, or either in an object.

    Examples
    --------
    >>> name_coder(2), name_coder({"id": 3, "email": "ann@example.org"}), name_coder(None)
    ('2', 'ann@example.org', '(unknown)')
    """
    if isinstance(value, dict):
        value = value.get("email") or value.get("username") or value.get("id")
    return as_text(value) or "(unknown)"
