"""Audit logs that lie elsewhere: fetched to a temporary folder, no more of them than the time window asks for."""
