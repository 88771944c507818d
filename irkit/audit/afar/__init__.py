"""A scan shared out over machines: one piece of a log and what is asked of it, as bytes that travel."""
