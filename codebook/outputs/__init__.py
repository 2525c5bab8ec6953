"""What a study says, saved: tables and figures for the paper, each with its data, and the list that the report reads.

In come frames, figures and sentences; out go files in `outputs/` and their entries in `manifest.json`. Open `saving.py`
first; `cells.py` says how a table is printed, `blocks` how a notebook and the report show it; all HTML
of the kit is made of `templates/` by `templating.py`.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.outputs.cells import (
        SHOWN_ROWS,
        block_html,
        frame_html,
        frame_texts,
        frames_html,
        print_rows,
        rows_html,
        text_html,
    )
    from codebook.outputs.entries import (
        SECTIONS,
        OutputEntry,
        copy_outputs,
        keep_order,
        list_outputs,
        read_outputs,
        run_outputs,
    )
    from codebook.outputs.links import FileLink, link_file
    from codebook.outputs.panels import MOST_COLUMNS
    from codebook.outputs.saving import draw_png, put_text, save_block, say_alt
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "MOST_COLUMNS",
    "SECTIONS",
    "SHOWN_ROWS",
    "FileLink",
    "OutputEntry",
    "block_html",
    "copy_outputs",
    "draw_png",
    "frame_html",
    "frame_texts",
    "frames_html",
    "keep_order",
    "link_file",
    "list_outputs",
    "print_rows",
    "put_text",
    "read_outputs",
    "rows_html",
    "run_outputs",
    "save_block",
    "say_alt",
    "text_html",
]
