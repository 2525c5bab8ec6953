"""The results of a run as a paragraph: what its saved tables and figures say, in their own sentences."""

from __future__ import annotations

from codebook.outputs import read_outputs, run_outputs
from codebook.outputs.readable import ReadableText

_ABOUT = ("coverage", "methods")
"""Sections that say how a study was made, and not what came of it."""


def results_paragraph(run: str) -> str:
    """Return what the saved results of a run say, a finding each, in the order in which they were saved.

    It is what stands beside the methods in a paper, for a person to order and to shorten: every number in it was
    computed.

    Raises
    ------
    ParameterError
        A name that cannot name a file, or one that is almost that of a run and of none.

    Examples
    --------
    >>> import codebook as cb
    >>> saved = cb.validity(cb.open_run("topics").codings("coders.yaml"), resample=cb.Bootstrap(0)).save()
    >>> cb.report.results_paragraph("topics") == saved.finding
    True
    """
    entries = read_outputs(run_outputs(run))
    findings = dict.fromkeys(entry.finding for entry in entries if entry.section not in _ABOUT)
    return ReadableText(" ".join(filter(None, findings)) or "Nothing is saved of this run yet.")
