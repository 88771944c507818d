"""Steps that cut a pod off, take its identity away, and give both back."""
