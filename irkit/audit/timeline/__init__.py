"""The story in order: requests and findings, what repeats in one line; for people, Timesketch, spreadsheets, OCSF."""
