"""What every format reads with: one delivery, JSON without two meanings, fields of the right type."""
