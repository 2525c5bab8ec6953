"""The command `codebook`: a thin face. Each command is one call of the package and one print.

In come words of a shell; out go sentences and an exit status. Open `group.py` first (all commands, and the wall around
them), then the file of a command: `plan_commands`, `job_commands`, `status_commands`, `figure_commands`,
`result_commands`, `code_command`, `exchange_commands`, `upkeep_commands`, `message_pages`, with an example of each.
"""

from codebook.cli.code_command import code
from codebook.cli.exchange_commands import assign, board, deposit, import_file, read_sheet, sheets, verify
from codebook.cli.figure_commands import compare, reliability, validity
from codebook.cli.group import main
from codebook.cli.job_commands import cancel, collect, costs, discard, retry, submit
from codebook.cli.message_pages import add_examples, explain_message
from codebook.cli.plan_commands import check, freeze, new, pilot, plan, preflight, run_whole, trust
from codebook.cli.result_commands import execute, lab, open_report, records, report, table, transcripts
from codebook.cli.status_commands import errors, runs, status
from codebook.cli.upkeep_commands import adopt, delete_remote, erase, tidy

for command in (new, check, assign, code, board, sheets, read_sheet, import_file):
    main.add_command(command)
for command in (preflight, pilot, plan, run_whole, submit, status, runs, errors):
    main.add_command(command)
for command in (collect, retry, cancel, discard, costs):
    main.add_command(command)
for command in (table, transcripts, records, reliability, validity, compare, execute, report, open_report, lab):
    main.add_command(command)
for command in (deposit, verify, freeze, trust, adopt, erase, delete_remote, tidy, explain_message):
    main.add_command(command)
add_examples(main.commands)

__all__ = ["main"]
