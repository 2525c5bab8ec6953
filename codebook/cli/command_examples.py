"""An example of each command, as it stands at the end of its help."""

from __future__ import annotations

from collections.abc import Mapping

import click

EXAMPLES = """\
codebook adopt ../from_a_colleague/runs/topics
codebook assign --coder ann --coder ben --double 0.2
codebook board
codebook cancel topics --shard 3
codebook check
codebook check --units data/texts.csv --coders coders.yaml
codebook code --coder ann
codebook code --adjudicator ruth
codebook collect topics --wait
codebook compare topics topics.v2
codebook compare codebook.yaml drafts/codebook.yaml --page changes.html
codebook costs --by model
codebook delete-remote topics
codebook deposit topics --texts digest
codebook discard trial
codebook erase 1523
codebook errors topics
codebook execute study.yaml
codebook execute notebooks/06_reliability.ipynb -p replicates=5000
codebook execute --replay runs/topics
codebook explain UnitsError
codebook freeze
codebook import data/label_studio.json --unit doc_id
codebook import street.qdpx --codebook street.qdc --coded-by all --join
codebook lab
codebook new my-study --from texts.xlsx
codebook open topics
codebook pilot --limit 30 --paraphrase paraphrase.yaml --dry-run
codebook plan --engine openai_batch --model gpt-6-luna --dry-run
codebook plan --grid
codebook preflight --model gpt-6-luna
codebook read-sheet coding/handouts/news.ann.xlsx
codebook records articles entities entities.xlsx
codebook reliability topics --by label
codebook reliability --codebook codebook.yaml --coders coders.yaml
codebook report topics --out for_the_referee.html
codebook report topics --paper
codebook retry topics --why truncated --max-tokens 4000
codebook retry topics --model gpt-6-luna
codebook retry topics --show-error
codebook run --engine openai_batch --model gpt-6-luna --cap 5
codebook runs
codebook sheets --coder ann --as page
codebook status topics
codebook status --state completed --sort cost
codebook submit topics --cap 5
codebook table topics labels.xlsx --wide
codebook tidy --older-than 90
codebook transcripts minutes --text
codebook trust llm.example.edu
codebook validity topics --by label
codebook validity topics --second
codebook verify ~/Downloads/topics.zip
"""


def add_examples(commands: Mapping[str, click.Command]) -> None:
    """Put the examples of each command at the end of its help, each on a line of its own."""
    for name, command in commands.items():
        lines = [line for line in EXAMPLES.splitlines() if line.split()[1] == name]
        examples = "\b\nFor example:\n" + "\n".join(f"  {line}" for line in lines)
        command.epilog = "\n\n".join(filter(None, [command.epilog, examples if lines else ""]))
