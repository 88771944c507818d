"""The audit scan on the queue: pieces out to workers, what they found back in order."""
