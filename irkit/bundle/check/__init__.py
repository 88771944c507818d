"""WHAT IS WRONG WITH IT: the parts of verification."""
