"""Who may do what without a finding: read, learned from a log, drafted for a person to review."""
