"""What network policies mean: pure, without a cluster.

selector  label selectors
nouns     policies, rules, peers, ports, worlds
read      manifests to nouns
ports     sets of ports
space     sets of addresses
allow     who may talk to whom
words     what a rule admits, for a person
"""
