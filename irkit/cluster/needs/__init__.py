"""What must be there and allowed before it matters."""
