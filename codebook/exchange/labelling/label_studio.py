"""Label Studio: its JSON, which has everything, and its JSON_MIN, CSV and TSV, which leave skips and drafts out."""

from __future__ import annotations

from codebook.exchange.export_source import ExportSource
from codebook.exchange.labelling.label_studio_table import is_table, read_table
from codebook.exchange.labelling.label_studio_tasks import is_tasks, read_tasks
from codebook.exchange.reading import Reading, ReadOptions

TITLE = "Label Studio"


def looks_like(source: ExportSource) -> bool:
    """Whether an export is one of Label Studio."""
    return is_tasks(source.record) or is_table(source)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read an export of Label Studio: JSON by its annotations, the others by their columns."""
    return read_table(source, options) if is_table(source) else read_tasks(source, options)
