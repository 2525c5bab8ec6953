"""What a run shows: saved tables and figures, each with its data, and one HTML page that tells the whole study.

outputs     save_table (csv, LaTeX, Word, HTML), save_figure (PDF, SVG, PNG, data), save_text, list_outputs
study       methods_paragraph with blanks for a person, checklist of what is missing, write_report
"""

from codebook.outputs import OutputEntry, list_outputs, read_outputs, save_figure, save_table, save_text
from codebook.report.findings import note_on
from codebook.report.methods import methods_paragraph
from codebook.report.page import write_report
from codebook.report.referee_checks import checklist
from codebook.report.views.image_grid import save_images, show_images
from codebook.report.views.page_view import PageView, show_page
from codebook.report.views.span_view import SpanView, show_spans

__all__ = [
    "OutputEntry",
    "PageView",
    "SpanView",
    "checklist",
    "list_outputs",
    "methods_paragraph",
    "note_on",
    "read_outputs",
    "save_figure",
    "save_images",
    "save_table",
    "save_text",
    "show_images",
    "show_page",
    "show_spans",
    "write_report",
]
