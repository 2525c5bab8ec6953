"""The tidy table, where the two wings of the kit meet: labels from anyone, in one form.

In come labels of a run, of people or of other tools; out goes the tidy table, in memory or in a file. Open `frame.py`
first: `make_table` and `check_table` hold the contract (`contract.py` has its rules). `coverage_counts.py` says what
was answered, `exports.py` keeps tables in files, `coder_files/` reads labels that others gave, `records/` opens those
of kind records.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.codings.coder_files.coders import read_coders, read_codings
    from codebook.codings.coder_files.import_view import look_at_export
    from codebook.codings.coder_files.people_labels import People, has_logs, read_people
    from codebook.codings.contract import COLUMNS, KEY, OF_CODINGS, OPTIONAL
    from codebook.codings.coverage_counts import count_coverage, coverage, coverage_sentence
    from codebook.codings.database import KeyedTable, write_database
    from codebook.codings.exports import iter_table, read_table, write_table
    from codebook.codings.frame import check_table, dump_labels, join_codings, make_table, merge_tables, pile_pieces
    from codebook.codings.label_counts import count_labels, set_aside_abstentions, shorten_coders, shorten_names
    from codebook.codings.records.record_codings import read_record_codings
    from codebook.codings.records.record_lists import Records, count_quotes, read_names, units_table
    from codebook.codings.records.record_rows import open_records
    from codebook.codings.table_view import TableView, show_table
    from codebook.codings.transcripts import Transcript, Transcripts, join_transcripts, read_error_rates, read_texts
    from codebook.codings.unit_columns import to_columns, write_columns
    from codebook.codings.wide import to_wide, write_wide
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "COLUMNS",
    "KEY",
    "OF_CODINGS",
    "OPTIONAL",
    "KeyedTable",
    "People",
    "Records",
    "TableView",
    "Transcript",
    "Transcripts",
    "check_table",
    "count_coverage",
    "count_labels",
    "count_quotes",
    "coverage",
    "coverage_sentence",
    "dump_labels",
    "has_logs",
    "iter_table",
    "join_codings",
    "join_transcripts",
    "look_at_export",
    "make_table",
    "merge_tables",
    "open_records",
    "pile_pieces",
    "read_coders",
    "read_codings",
    "read_error_rates",
    "read_names",
    "read_people",
    "read_record_codings",
    "read_table",
    "read_texts",
    "set_aside_abstentions",
    "shorten_coders",
    "shorten_names",
    "show_table",
    "to_columns",
    "to_wide",
    "units_table",
    "write_columns",
    "write_database",
    "write_table",
    "write_wide",
]
