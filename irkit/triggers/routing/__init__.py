"""Which alert starts which playbook: one file, checked when it is loaded, the same answer for the same alert."""
