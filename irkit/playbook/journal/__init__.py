"""What a run remembers: its log, and the record that the log adds up to."""
