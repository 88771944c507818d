"""One run under way: its course, each attempt at a step, what a step is given, the way back."""
