"""Forms, crowds and statistics programs: a row per answer, or a row per unit, in tables with headings of their own.

In come exports of Qualtrics, Google Forms, MTurk and Zooniverse, and files of SPSS, Stata and SAS; out go rows. Open
`qualtrics.py` first; `statistics_writing.py` writes files with value labels.
"""
