"""Many pods in one bundle: each in a folder of its own, what they share once.

select.py   which pods: of a workload, by labels, or all of a namespace
shared.py   lists taken for all of them together
tables.py   what is read out of their objects, together
sweep.py    what is taken of each pod, and what once
"""
