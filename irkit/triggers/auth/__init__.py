"""Who sent it: judged over the raw bytes, before anything is parsed."""
