"""`python -m irkit`."""

from irkit.cli import main

main()
