"""Labels of kind records: one row a record, its quotes placed in the text."""
