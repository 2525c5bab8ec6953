"""All runs of a project: its jobs, answers, errors, money and history as frames."""
