"""What the reader is told: plain words made from a RunRecord, without any mark-up."""
