"""What network policies mean: pure, without a cluster.

selector  label selectors
nouns     policies, rules, peers, ports, worlds
read      manifests to nouns
tiers     those of the tiers around NetworkPolicy too
spans     sets of ports and of addresses
allow     who may talk to whom
cover     what the admin tier settles, whoever may come
words     what a rule admits, for a person
"""
