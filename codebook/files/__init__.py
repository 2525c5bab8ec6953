"""Files that people bring: rows of text, YAML and JSON lines, pictures and PDFs, each with its faults in words.

What comes in is whatever somebody saved; what goes out is text, exactly, or one error that names file, line and mend.
Open `tables/` first, or `yaml_text.py` (codebook, study, coders, prices, providers), or `lines.py` (JSON lines).
"""
