"""What the rules saw, kept in bounded memory until all is read."""
