"""First seen: what ordinary days knew, and what of a log they did not."""
