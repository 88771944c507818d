"""During an incident."""
