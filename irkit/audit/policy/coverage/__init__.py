"""Which detections a policy, or a log, leaves blind: told by the rules themselves, asked with and without bodies."""
