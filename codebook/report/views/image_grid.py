"""Images beside their labels: a grid of thumbnails for a notebook and for the report, with everything inside."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from codebook.files.pictures import PictureError, open_picture
from codebook.outputs import save_table
from codebook.paths import resolve_path
from codebook.records import Unit, UnitFile
from codebook.visible import escape_block, spell_block

if TYPE_CHECKING:
    import pandas as pd

SIDE = 128
"""The longer side of a thumbnail, in pixels."""
COLUMNS = ("unit_id", "label", "why", "gold", "verdict", "image", "n_images")
_STYLE = (
    "display:inline-block;vertical-align:top;width:140px;margin:0 8px 12px 0;font:12px/1.35 sans-serif;"
    "overflow-wrap:anywhere;border-top:3px solid "
)
_COLOURS = {"right": "#2b6cb0", "wrong": "#c05621", "": "#a0aec0"}


class ImageGrid:
    """Thumbnails beside label and gold, as a notebook shows them; `frame` holds what is shown."""

    def __init__(self, frame: pd.DataFrame, said: str) -> None:
        self.frame, self.said = frame, said

    def __repr__(self) -> str:
        return spell_block(f"{self.said}\n{self.frame.drop(columns='image').to_string(index=False, na_rep='')}")

    def _repr_html_(self) -> str:
        return f'<p class="tex2jax_ignore">{escape_block(self.said)}</p>{grid_html(self.frame)}'


def show_images(
    table: pd.DataFrame,
    units: Iterable[Unit],
    *,
    gold: str = "",
    coder: str = "",
    variable: str = "",
    n: int = 24,
    only: str = "",
) -> ImageGrid:
    """Show images beside their labels, and beside the gold where there is one.

    Of a unit with several images the first is shown. A blue bar marks a label that is the gold's, an orange one
    another; the words under the image say the same.

    Parameters
    ----------
    table
        Tidy table with the labels, and with those of the coder `gold`.
    units
        The units with their files, such as `run.units()`.
    coder, variable
        Whose labels, of what; the first in the table (not the gold) where empty.
    n
        At most so many units, the first in the table.
    only
        "right" or "wrong" keeps the units whose label is, or is not, the gold's.
    """
    rows = _beside_gold(table, gold, coder, variable)
    kept = rows[rows["verdict"] == only] if only else rows
    shown = kept.head(n).copy()
    wanted = set(shown["unit_id"])
    files = {unit.unit_id: unit.files for unit in units if unit.unit_id in wanted}
    shown["image"] = [_thumbnail(files.get(unit_id, ())) for unit_id in shown["unit_id"]]
    shown["n_images"] = [len(files.get(unit_id, ())) for unit_id in shown["unit_id"]]
    return ImageGrid(shown.reset_index(drop=True), _say(rows, shown, only))


def save_images(grid: ImageGrid, name: str, *, run: str, section: str, title: str, note: str = "") -> ImageGrid:
    """Save a grid of images as csv, thumbnails included, note it for the run's report, and return it."""
    save_table(grid.frame, name, run=run, section=section, title=title, note=note or grid.said)
    return grid


def is_grid(frame: pd.DataFrame) -> bool:
    """Whether a saved table is a grid of images."""
    return set(COLUMNS) <= set(frame.columns)


def grid_html(frame: pd.DataFrame) -> str:
    """Return the grid as HTML. Every text is escaped; an image is shown only if it is a JPEG inside the page."""
    cards = [_card({str(name): value for name, value in row.items()}) for row in frame.to_dict("records")]
    return f'<div class="tex2jax_ignore">{"".join(cards)}</div>'


def _card(row: dict[str, Any]) -> str:
    verdict = _text(row["verdict"])
    label = _text(row["label"]) or f"no label ({_text(row['why'])})"
    lines = [f"<b>{escape_block(label)}</b>"]
    if gold := _text(row["gold"]):
        lines.append(f"gold: {escape_block(gold)}" if verdict == "wrong" else "as the gold")
    lines.append(f'<span style="opacity:.6">{escape_block(_text(row["unit_id"]))}{_several(row)}</span>')
    image = _text(row["image"])
    if image.startswith("data:image/jpeg;base64,"):
        shown = f'<img alt="" src="{escape_block(image)}" style="max-width:{SIDE}px;max-height:{SIDE}px">'
    else:
        shown = f'<span style="opacity:.6">{escape_block(image)}</span>'
    box = f'<div style="height:{SIDE}px;display:flex;align-items:center;justify-content:center">{shown}</div>'
    colour = _COLOURS.get(verdict, _COLOURS[""])
    return f'<div style="{_STYLE}{colour};padding-top:4px">{box}{"<br>".join(lines)}</div>'


def _several(row: dict[str, Any]) -> str:
    n_images = int(float(row["n_images"]))
    return f" (1 of {n_images})" if n_images > 1 else ""


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _beside_gold(table: pd.DataFrame, gold: str, coder: str, variable: str) -> pd.DataFrame:
    """unit_id, label, why, gold, verdict of one coder and variable, first draw."""
    about = variable or str(table["variable"].iloc[0])
    who = coder or str(next((name for name in table["coder"] if name != gold), gold))
    rows = table[(table["variable"] == about) & (table["draw"] == 0)]
    mine = rows.loc[rows["coder"] == who, ["unit_id", "label", "why"]]
    theirs = rows[(rows["coder"] == gold) & rows["label"].notna()] if gold else rows.head(0)
    golden = dict(zip(theirs["unit_id"], theirs["label"], strict=True))
    mine = mine.assign(gold=[golden.get(unit_id, "") for unit_id in mine["unit_id"]])
    verdicts = [_judge(label, meant) for label, meant in zip(mine["label"], mine["gold"], strict=True)]
    return mine.assign(verdict=verdicts)


def _judge(label: Any, gold: str) -> str:
    if not gold:
        return ""
    return "right" if label == gold else "wrong"


def _say(rows: pd.DataFrame, shown: pd.DataFrame, only: str) -> str:
    judged = rows[rows["verdict"] != ""]
    n_right = int((judged["verdict"] == "right").sum())
    said = f"{len(shown):,} of {len(rows):,} units" + (f", {only} ones only" if only else "")
    return f"{said}; {n_right:,} of {len(judged):,} labels are the gold's." if len(judged) else f"{said}."


def _thumbnail(files: tuple[UnitFile, ...]) -> str:
    """The first image as a small JPEG inside a page, or words in its place."""
    if not files:
        return "no image"
    if files[0].kind != "image":
        return files[0].kind
    try:
        picture = open_picture(resolve_path(files[0].path).read_bytes(), SIDE)
    except (PictureError, OSError):
        return "an address" if "://" in files[0].path else "cannot be shown"
    picture.thumbnail((SIDE, SIDE))
    room = io.BytesIO()
    picture.save(room, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{b64encode(room.getvalue()).decode()}"
