"""Answers from many machines: the shards of a run, cut into pieces that Ray Data hands to whoever answers.

In come shards in a folder that all machines see, out go chunk files of result lines, and at the end one file per job.
Open `cluster_engine.py` first; `chunk_files.py` is what survives a death, `driver.py` the process that goes on alone.
"""
