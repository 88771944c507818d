"""What senders send: one file per format, pure functions from a delivery to alerts."""
