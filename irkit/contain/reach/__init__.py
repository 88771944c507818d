"""Who may talk to whom, computed from policies: in a live cluster, or in manifests.

connections  between any two, and what isolation leaves of them
neighbours   one pod's, now and once isolated
picture      the same, drawn
"""
