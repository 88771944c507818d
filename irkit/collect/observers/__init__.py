"""Who watched: tools that saw what the pod did while it did it.

falco.py       its alerts, from the log of its own pod on the node
hubble.py      network flows, asked of Cilium's agent on the node
prometheus.py  what the pod used over time
"""
