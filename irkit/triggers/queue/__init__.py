"""The durable queue: what was accepted is done, though power, processes and machines fail."""
