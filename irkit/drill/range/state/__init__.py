"""Objects and what happens to them by themselves."""
