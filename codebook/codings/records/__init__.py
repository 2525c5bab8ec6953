"""Labels of kind records: one row per record, its quotes placed in the text.

In comes the tidy table, whose label is JSON; out go frames of topics, entities, mentions. Open `record_rows.py` first;
`quotes` of the ground floor finds the quoted words, `record_codings.py` brings in records of people or other tools.
"""
