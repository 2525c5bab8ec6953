"""Big files are streamed, whatever they hold: row 27 of the list of failure modes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.service import MODEL, batch_ids, check_paid, check_sums, lines_of, plan_batch, serve, write_provider

from codebook.dialects import write_reply
from codebook.errors import RecordError
from codebook.run import open_run

pytestmark = pytest.mark.slow

N_UNITS, N_BYTES = 3_000, 10_000
"""As many units and as many bytes of text and of reply each: 30 MB up, 30 MB down."""

N_SMALL = 500

CHILD = """
import sys
sys.path[:0] = [{benchmarks!r}]
from memory import peak_mb
from fakes.scripted import make_book
from codebook.records import Unit
from codebook.run import plan

book = make_book("topic")

def take(run, n, size):
    units = (Unit(f"u{{n}}", f"{{run}} {{n}} " + "coal " * (size // 5)) for n in range(n))
    made = plan(book, units, run=run, engine="openai_batch", model={model!r}, options={{"base_url": {url!r}}})
    made.submit()
    made.collect()
    return round(peak_mb())

before = take("small", {n_small}, 100)
after = take("big", {n_units}, {n_bytes})
print(before, after)
"""


def test_mode_27_memory_stays_flat_while_big_files_go_up_and_down(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        if len(orjson.dumps(line)) < N_BYTES:
            return None
        body = write_reply(line["url"], MODEL, '{"label":"coal"}', request_id="r", usage=(25_000, 5))
        return body | {"padding": "x" * N_BYTES}

    with serve(project, monkeypatch, reply=answer) as fake:
        child = CHILD.format(
            benchmarks=str(Path(__file__).parents[2] / "benchmarks"),
            model=MODEL,
            url=fake.base_url,
            n_units=N_UNITS,
            n_bytes=N_BYTES,
            n_small=N_SMALL,
        )
        done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        before_mb, after_mb = map(int, done.stdout.split())
        whole_mb = N_UNITS * N_BYTES / 1e6
        for purpose in ("batch", "batch_output"):
            assert max(file["bytes"] for file in fake.files.values() if file["purpose"] == purpose) > whole_mb * 1e6
        assert after_mb - before_mb < 0.75 * whole_mb, f"{before_mb} MB before, {after_mb} MB after"
        run = open_run("big")
        assert check_sums(run) == {"": N_UNITS}
        assert len(lines_of(fake, batch_ids(fake)[1])) == N_UNITS
        check_paid(fake, N_SMALL + N_UNITS, again=N_SMALL)


def test_mode_27_memory_of_a_unit_too_big_for_any_file_is_told_by_its_bytes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(project, monkeypatch) as fake:
        write_provider(project, n_bytes=50_000)
        with pytest.raises(RecordError, match=r"of unit 'u1' has 1\d\d,\d\d\d bytes"):
            plan_batch(fake, ["small", "x" * 100_000])
        assert fake.requests == []
