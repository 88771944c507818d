"""Keep the quarantined pod in being: against eviction, rebalancing, scaling down, and people.

keep      all of it, put and taken back
asides    annotations set for a while, what they were remembered
budget    the disruption budget
node      no new pods beside it, no rebalancing of its node
guard     the admission policy that refuses its deletion
"""
