"""The audit log: searched, judged, told, and what its policy lets it say."""
