"""Programs for qualitative data: MAXQDA, ATLAS.ti, NVivo, QualCoder, Dedoose; their projects, tables and codebooks.

In come passages with codes, out go rows; none of these files says who saw a text and gave no code. Open
`refi_projects.py` first, the exchange format that all of them write; `refi_writing.py` writes it.
"""
