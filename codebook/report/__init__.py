"""What a run shows: saved tables and figures, each with its data, and one HTML page that tells the whole study."""

from codebook.report.outputs import OutputEntry, read_outputs, save_figure, save_table
from codebook.report.page import write_report

__all__ = ["OutputEntry", "read_outputs", "save_figure", "save_table", "write_report"]
