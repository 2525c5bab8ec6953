"""Answers from many machines: the shards of a run, cut into pieces that Ray hands to the processes that answer.

In come shards in a folder that all machines see, out go chunk files of result lines, and at the end one file per job.
Open `cluster_engine.py` first; `chunk_files.py` keeps answers when a process dies, `driver.py` is the process that
works on its own.
"""
