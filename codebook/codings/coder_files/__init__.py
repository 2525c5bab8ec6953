"""Labels from files: `coders.yaml` says what their columns mean; what does not fit is told with its mend.

In come files of students, a crowd, another tool; out goes the tidy table. Open `coders.py` first, then
`coding_source.py` (what an entry may say) and `label_files.py` (how one file is read).
"""
