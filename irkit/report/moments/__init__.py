"""Where moments come from: one file per kind of evidence."""
