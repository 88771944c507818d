"""What stands in a bundle, and who answers for it."""
