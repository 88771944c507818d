"""For recipients only: originals that not everybody may read, beside a bundle that everybody may."""
