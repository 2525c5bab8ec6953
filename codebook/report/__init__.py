"""What a run shows: one HTML page that tells the whole study, its methods in words, and what a referee would miss.

In come the folder of a run and its saved outputs; out goes `report.html`. Open `page.py` first, then `facts.py` (what
the folder says), `methods.py` and `referee_checks.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.outputs import OutputEntry, list_outputs, read_outputs
    from codebook.report.guideline_items import reporting_guideline
    from codebook.report.methods import methods_paragraph
    from codebook.report.page import write_report
    from codebook.report.paper import write_paper
    from codebook.report.referee_checks import checklist
    from codebook.report.sections import results_paragraph
    from codebook.report.views.image_grid import show_images
    from codebook.report.views.page_view import PageView, show_page
    from codebook.report.views.span_view import SpanView, show_spans
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "OutputEntry",
    "PageView",
    "SpanView",
    "checklist",
    "list_outputs",
    "methods_paragraph",
    "read_outputs",
    "reporting_guideline",
    "results_paragraph",
    "show_images",
    "show_page",
    "show_spans",
    "write_paper",
    "write_report",
]
