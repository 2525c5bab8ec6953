"""What a coder takes away and hands back: a workbook for a spreadsheet, or a page that needs no server.

In come a coder's units and the codebook; out go files, and, when they come back, acts in the coder's log. Open
`handout.py` first, then `workbook_sheets.py` and `workbook_answers.py`.
"""
