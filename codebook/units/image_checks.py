"""What all sources of images share: each image is read, checked and made ready once, then known by size and time."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

from codebook.files.pictures import PictureError
from codebook.ground.quantities import say_count
from codebook.material.images import MAX_UNIT_BYTES, MAX_UNIT_IMAGES, examine, is_address, make_ready, read_file
from codebook.paths import show_path
from codebook.records import Unit, UnitFile
from codebook.units.any_source import Source


class Found(NamedTuple):
    """A unit as its source names it: `places` are the paths or addresses of its images, in order."""

    unit_id: str
    text: str
    context: Mapping[str, str]
    places: tuple[str, ...]


class _Checked(NamedTuple):
    """What was found in a file of this size and time: digest, most bytes when ready, why not sent, what to look at."""

    stamp: tuple[int, int] = (0, 0)
    sha256: str = ""
    n_bytes: int = 0
    problem: str = ""
    animated: bool = False
    remark: str = ""


SKIP_UNIT, SEND_REST = DAMAGED = ("skip_unit", "send_rest")


@dataclass(frozen=True)
class ImageSource(Source):
    """Images as units. About 0.3 kB are kept for each image, so that later passes need not read it again.

    Parameters
    ----------
    origin
        The folder or table.
    ask
        How images are sent: `max_side` in pixels, and `detail`.
    damaged
        What becomes of a unit of several images one of which is damaged: `SKIP_UNIT`, or `SEND_REST`.
    """

    origin: Path
    ask: Mapping[str, Any]
    damaged: str = field(default=SKIP_UNIT, kw_only=True)
    _checked: dict[str, _Checked] = field(default_factory=dict, repr=False, compare=False, kw_only=True)

    @property
    def path(self) -> Path:
        """The folder or table."""
        return self.origin

    @abstractmethod
    def find(self) -> Iterator[Found]:
        """Yield the units, their images not yet looked at."""

    def tell(self) -> list[str]:
        """How the images are sent."""
        side, detail = self.ask["max_side"], self.ask["detail"]
        lines = [f"sent: each image at most {side} pixels on its longer side, detail {detail}, without notes (EXIF)"]
        if moving := sum(checked.animated for checked in self._checked.values()):
            lines.append(f"animations, of which the first frame is sent: {moving:,}")
        return lines

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield pictures on which little can be seen."""
        for place, checked in self._checked.items():
            if checked.remark:
                yield checked.remark, _show(place)

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)`; a unit is not asked if one of its images is missing, broken or too large.

        Where the rest is sent, it is asked as long as one image is sound, and its `loss` names the others.

        Raises
        ------
        UnitsError
            A row of a table has no id or no image, or an image is an address and `pass_urls` is not set.
        """
        for images in self.find():
            checked = [self._check(place) for place in images.places]
            loss = self._find_loss(images, checked)
            if loss:
                sound = [not check.problem for check in checked]
                images = images._replace(places=tuple(compress(images.places, sound)))
                checked = list(compress(checked, sound))
            files = tuple(
                UnitFile(_show(place), "image", check.sha256, self.ask)
                for place, check in zip(images.places, checked, strict=True)
            )
            unit = Unit(images.unit_id, images.text, images.context, files, loss=loss)
            yield unit, self._find_skip(images, checked)

    def _find_loss(self, images: Found, checked: list[_Checked]) -> str:
        """Which images a unit is sent without; empty where all are sound, or none is, or none may be left out."""
        problems = _say_problems(images, checked)
        if self.damaged != SEND_REST or not problems or len(problems) == len(checked):
            return ""
        return f"sent without {len(problems)} of its {say_count(len(checked), 'image')}: {'; '.join(problems)}"

    def _find_skip(self, images: Found, checked: list[_Checked]) -> str | None:
        problems = _say_problems(images, checked)
        if len(checked) > MAX_UNIT_IMAGES:
            problems.append(f"{len(checked):,} images are more than a request can hold ({MAX_UNIT_IMAGES})")
        elif not problems and sum(check.n_bytes for check in checked) > MAX_UNIT_BYTES:
            n_bytes = sum(self._weigh(place) for place in images.places)
            if n_bytes > MAX_UNIT_BYTES:
                most = f"more than a request can hold ({MAX_UNIT_BYTES:,})"
                problems.append(f"its images have {n_bytes:,} bytes, {most}: reduce max_side")
        return "; ".join(problems) or None

    def _weigh(self, place: str) -> int:
        """Bytes of an image when it is made ready."""
        if is_address(place):
            return 0
        return len(make_ready(read_file(Path(place)), int(self.ask["max_side"]))[1])

    def _check(self, place: str) -> _Checked:
        """Read an image and make it ready, unless that was done and the file has not changed since."""
        if is_address(place):
            return _Checked()
        path, known = Path(place), self._checked.get(place)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return _Checked(problem="there is no such file")
        except OSError as error:
            return _Checked(problem=f"the file cannot be read ({error.strerror})")
        stamp = (stat.st_size, stat.st_mtime_ns)
        if known is None or known.stamp != stamp:
            known = self._checked[place] = _look(path, stamp, int(self.ask["max_side"]))
        return known


def _look(path: Path, stamp: tuple[int, int], max_side: int) -> _Checked:
    sha256 = ""
    try:
        data = read_file(path)
        sha256 = hashlib.sha256(data).hexdigest()
        facts = examine(data, max_side)
        return _Checked(stamp, sha256, facts.n_bytes, "", facts.animated, facts.remark)
    except FileNotFoundError:
        return _Checked(problem="there is no such file")
    except PictureError as error:
        return _Checked(stamp, sha256, 0, str(error))


def _say_problems(images: Found, checked: list[_Checked]) -> list[str]:
    return [
        check.problem if len(checked) == 1 else f"{Path(place).name}: {check.problem}"
        for place, check in zip(images.places, checked, strict=True)
        if check.problem
    ]


def _show(place: str) -> str:
    return place if is_address(place) else show_path(Path(place))
