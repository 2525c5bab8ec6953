"""Printed lines of a page's image: found and read by RapidOCR with the models that lie in its package.

A line is read by itself, so that neither its neighbours nor the number of threads change what is read. The models
know Latin and Chinese print; handwriting is not tested.

Before it is read a page is looked at (is anything printed?), specks are taken off, it is turned and laid straight.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codebook.engines.embedded.pages.ink import Ink, cut_quad, find_cuts, find_ink, narrow_box
from codebook.engines.embedded.pages.layout import Piece, find_gutters
from codebook.engines.embedded.pages.redactions import cut_at_bars, find_bars, keep_near, mark_bars
from codebook.engines.embedded.weights import Weights, find_weights, missing_extra

Pixels = npt.NDArray[np.uint8]
"""A picture, `(height, width, 3)` in BGR."""
Quads = npt.NDArray[np.float32]
"""Corners of lines, `(n_lines, 4, 2)`, each from the upper left one clockwise."""

MANY_SPECKS = 10.0
"""Specks in a million pixels of bare paper above which a page is smoothed. Of the shipped scans, three have 60 to 920,
the others less than 2."""
_FAINT = 40
_SPECK = 25


def clean(image: Pixels) -> Pixels:
    """Smooth a speckled page by a median of 3 by 3 pixels; leave others as they are.

    On the shipped scans with specks the character error rate falls from .0080 to .0053 and from .0043 to .0020. A
    clean page in small print would suffer: in the shipped table one figure goes wrong.
    """
    import cv2

    return np.asarray(cv2.medianBlur(image, 3), np.uint8) if count_specks(image) > MANY_SPECKS else image


def count_specks(image: Pixels) -> float:
    """Return how many dark specks there are in a million pixels of bare paper: 4 pixels or more away from print.

    A speck is what a median of 3 by 3 pixels takes away.

    Examples
    --------
    >>> paper = np.full((100, 100, 3), 240, np.uint8)
    >>> paper[50, [10, 30, 50, 70]] = 20
    >>> count_specks(paper)
    400.0
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    smooth = cv2.medianBlur(grey, 3)
    light = (smooth > np.median(grey) - _SPECK).astype(np.uint8)
    bare = cv2.erode(light, np.ones((9, 9), np.uint8)) > 0
    specks = (grey.astype(np.int16) < smooth.astype(np.int16) - _SPECK) & bare
    return float(1e6 * specks.sum() / max(1, bare.sum()))


def is_blank(image: Pixels) -> bool:
    """Whether nothing is printed on a page: nowhere are three spots of 4 by 4 pixels in a row darker than the paper.

    Specks of dust are smaller than that, a page number is larger.

    Examples
    --------
    >>> paper = np.full((80, 80, 3), 230, np.uint8)
    >>> is_blank(paper)
    True
    >>> paper[20:28, 10:60] = 60
    >>> is_blank(paper)
    False
    """
    height, width = (side // 4 * 4 for side in image.shape[:2])
    spots = image[:height, :width].mean(axis=2).reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))
    dark = spots < np.median(spots) - _FAINT if spots.size else np.zeros((3, 3), bool)
    across, down = dark[:, 2:] & dark[:, 1:-1] & dark[:, :-2], dark[2:] & dark[1:-1] & dark[:-2]
    return not (across.any() or down.any())


def turn_quarter(quads: Quads, width: int) -> Quads:
    """Return corners after the page, `width` wide, was turned a quarter to the left.

    Examples
    --------
    >>> tall = np.array([[[10, 0], [14, 0], [14, 50], [10, 50]]], np.float32)
    >>> turn_quarter(tall, 100).tolist()
    [[[0.0, 86.0], [50.0, 86.0], [50.0, 90.0], [0.0, 90.0]]]
    """
    turned = np.stack([quads[..., 1], width - quads[..., 0]], axis=-1)
    return np.asarray(turned[:, [1, 2, 3, 0]], np.float32)


def unskew(quads: Quads) -> Quads:
    """Return corners as if the page had been laid straight: turned by the median slope of its lines, width-weighted.

    Examples
    --------
    >>> slanted = np.array([[[0, 0], [100, 10], [100, 20], [0, 10]]], np.float32)
    >>> bool(np.ptp(unskew(slanted)[0, :2, 1]) < 0.01)
    True
    """
    edges = quads[:, 1] - quads[:, 0]
    slopes = np.arctan2(edges[:, 1], edges[:, 0])
    order = np.argsort(slopes)
    weights = np.hypot(edges[:, 0], edges[:, 1])[order].cumsum()
    angle = float(slopes[order][int(np.searchsorted(weights, weights[-1] / 2))])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], np.float32)
    return np.asarray(quads @ turn, np.float32)


def measure_sides(quads: Quads) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Widths and heights of lines, `(n_lines,)` each."""
    return (np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1), np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1))


def cut_lines(image: Pixels, quads: Quads) -> Iterator[Pixels]:
    """Each line cut out of the page and laid straight."""
    from rapidocr.utils.process_img import get_rotate_crop_image

    for quad in quads:
        yield np.ascontiguousarray(get_rotate_crop_image(image, quad.copy()))


LINE_FINDER = Weights(
    "rapidocr",
    "3.10.0",
    "rapidocr/models/PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    extra="pages",
)
LINE_READER = Weights(
    "rapidocr",
    "3.10.0",
    "rapidocr/models/PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    extra="pages",
)

UNSURE = 0.8
"""A word is unsure when the score of one of its characters is below this. On the two worst of the shipped scans 2 % of
the words are; 4 in 10 of these are wrong, and 4 in 10 of the wrong words are among them."""
NOT_TEXT = 0.5
"""A line whose mean score is below this is a stain or a drawing, and is left out."""
FEW_CHARACTERS = 0.6
"""A line with fewer characters on each of its heights' widths is of letters that the reader does not know: those have
about 0.3, Latin print 1.5 and more."""
ILLEGIBLE = "[illegible]"
"""Stands for a line of a foreign page of which nothing was read."""
N_TRIED = 4
"""So many of the longest lines are read both ways up to find a page that is upside down."""
_LINES = 70
"""Lines of a page of which none was found, by which bars on it are measured."""
FIND_SIDE = 1_280
"""Longest side, in pixels, at which lines are looked for; they are read at the image's own size."""


class Read(NamedTuple):
    """A line as read: its text, and a score from 0 to 1 for each of its characters."""

    text: str
    scores: tuple[float, ...]

    @property
    def score(self) -> float:
        """Mean score of the characters; 0 where nothing was read."""
        return float(np.mean(self.scores)) if self.text.strip() else 0.0

    @property
    def unsure(self) -> tuple[str, ...]:
        """The words with a character that scored below `UNSURE`."""
        words, start = [], 0
        for word in self.text.split():
            start = self.text.index(word, start)
            if min(self.scores[start : start + len(word)], default=1.0) < UNSURE:
                words.append(word)
            start += len(word)
        return tuple(words)


class Sheet(NamedTuple):
    """A page's image as read.

    Its pieces of text, upright and unskewed, how far the page was turned (clockwise), and whether most of it is in
    letters that the reader does not know: then all words of such lines are unsure.
    """

    pieces: tuple[Piece, ...]
    turned: int
    foreign: bool = False


class Ocr:
    """Finds and reads the lines of a page.

    Parameters
    ----------
    threads
        Lines read at the same time; None for one a processor, at most 8. What is read does not depend on it.

    Raises
    ------
    MissingExtraError
        A package of the extra `pages` is not installed.
    EngineError
        A model's file is not the one that was measured.
    """

    def __init__(self, threads: int | None = None) -> None:
        finder, reader = find_weights(LINE_FINDER), find_weights(LINE_READER)
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise missing_extra("pages") from None
        make: Any = RapidOCR
        quiet = {
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": FIND_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        self._finder = make(params=quiet | {"Global.use_rec": False, "Det.model_path": str(finder)})
        alone = {"Global.use_det": False, "Global.use_preprocess_img": False, "Global.return_word_box": True}
        self._reader = make(params=quiet | alone | {"Rec.model_path": str(reader)})
        self._finder._load_det_model().session.session = _open_model(finder)
        self._reader._load_rec_model().session.session = _open_model(reader)
        self.threads = threads or min(8, os.cpu_count() or 1)

    def read(self, image: Pixels) -> Sheet:
        """Read a page's image, `(height, width, 3)` in BGR. A page without text has no pieces."""
        image = clean(image)
        if is_blank(image):
            return Sheet((), 0)
        quads = self._find(image)
        if not len(quads):
            return Sheet(tuple(mark_bars(find_bars(image, image.shape[0] / _LINES))), 0)
        with ThreadPoolExecutor(self.threads) as pool:
            image, quads, turned = self._turn_upright(image, quads, pool)
            height = float(np.median(measure_sides(quads)[1]))
            bars = keep_near(find_bars(image, height), quads, height)
            quads = cut_at_bars(cut_columns(image, quads), bars, height)
            lines = list(cut_lines(image, quads))
            reads = list(pool.map(self._read_line, lines))
        straight = unskew(np.concatenate([quads, bars]))
        widths, heights = measure_sides(quads)
        doubtful = np.array([_is_doubtful(*line) for line in zip(reads, widths / heights, strict=True)])
        foreign = bool(widths[doubtful].sum() > widths.sum() / 2)
        read_lines = zip(reads, straight[: len(quads)], map(find_ink, lines), doubtful, strict=True)
        pieces = [
            _as_piece(_doubt(read) if foreign and in_doubt else read, quad, ink)
            for read, quad, ink, in_doubt in read_lines
            if foreign or read.score >= NOT_TEXT
        ]
        return Sheet((*pieces, *mark_bars(straight[len(quads) :])), turned, foreign)

    def _find(self, image: Pixels) -> Quads:
        """Corners of the lines, `(n_lines, 4, 2)`, each from the upper left one clockwise."""
        boxes = self._finder(image).boxes
        return np.empty((0, 4, 2), np.float32) if boxes is None else np.asarray(boxes, np.float32)

    def _read_line(self, line: Pixels) -> Read:
        reading = self._reader(line)
        if not reading.txts:
            return Read("", ())
        words = reading.word_results[0]
        return Read(reading.txts[0], tuple(words.confs))

    def _turn_upright(self, image: Pixels, quads: Quads, pool: ThreadPoolExecutor) -> tuple[Pixels, Quads, int]:
        """(image, corners, degrees) with lines that run from left to right and letters that stand on their feet."""
        turned = 0
        widths, heights = measure_sides(quads)
        if heights[heights > 1.5 * widths].sum() > widths[widths > 1.5 * heights].sum():
            image, quads, turned = np.rot90(image), turn_quarter(quads, image.shape[1]), 90
            widths, _ = measure_sides(quads)
        longest = np.sort(np.argsort(-widths, kind="stable")[:N_TRIED])
        crops = list(cut_lines(np.ascontiguousarray(image), quads[longest]))
        upright = np.mean([read.score for read in pool.map(self._read_line, crops)])
        if upright < 0.9:
            flipped = [np.ascontiguousarray(np.rot90(crop, 2)) for crop in crops]
            if np.mean([read.score for read in pool.map(self._read_line, flipped)]) > upright:
                height, width = image.shape[:2]
                image, turned = np.rot90(image, 2), turned + 180
                quads = (np.array([width, height], np.float32) - quads)[:, [2, 3, 0, 1]]
        return np.ascontiguousarray(image), quads, turned


@lru_cache(maxsize=1)
def load_ocr(threads: int | None = None) -> Ocr:
    """Return the reader, loaded once a process."""
    return Ocr(threads)


def _open_model(path: Path) -> Any:
    """A session of one thread that keeps no memory for the next input: each line has a size of its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _is_doubtful(read: Read, length: float) -> bool:
    """Whether a line, so many of its heights long, is in letters that the reader does not know."""
    n_characters = len("".join(read.text.split()))
    few = length > 3 and n_characters < FEW_CHARACTERS * length
    return read.score < NOT_TEXT or few or 2 * len(read.unsure) > len(read.text.split())


def _doubt(read: Read) -> Read:
    """A line of which every word is unsure."""
    text = read.text.strip() or ILLEGIBLE
    return Read(text, (0.0,) * len(text))


def _as_piece(read: Read, quad: npt.NDArray[Any], ink: Ink) -> Piece:
    """A line and the upright box around what is printed of it."""
    ink = ink.on_page(quad)
    x0, y0, x1, y1, gaps = narrow_box([*quad.min(axis=0).tolist(), *quad.max(axis=0).tolist()], ink)
    return Piece(read.text.strip(), x0, y0, x1, y1, read.unsure, gaps)


def cut_columns(image: Pixels, quads: Quads) -> Quads:
    """Cut the lines that run through several columns at the gutters, so that each is read by itself."""
    pieces = [
        _as_piece(Read("line", ()), quad, find_ink(line))
        for quad, line in zip(unskew(quads), cut_lines(image, quads), strict=True)
    ]
    gutters = find_gutters(pieces, float(np.median([piece.y1 - piece.y0 for piece in pieces])))
    parts = []
    for quad, box, piece in zip(quads, unskew(quads), pieces, strict=True):
        left, width = box[:, 0].min(), np.ptp(box[:, 0])
        parts += cut_quad(quad, [float((x - left) / width) for x in find_cuts(piece, gutters)])
    return np.array(parts, np.float32)
