"""Would another run, prompt or coder say the same? Stability, specifications, alternative annotators, probes."""
