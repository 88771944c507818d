"""Which events concern a pod, how surely, and why in words. Pure: one event and one pod in, a verdict out."""
