"""The pod itself: its object, its resource usage, its logs, its events."""
