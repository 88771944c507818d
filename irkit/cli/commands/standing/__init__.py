"""What waits for an incident: the server, its queue, its rails."""
