"""WHAT WE DO.

schema    a playbook as a document, and its JSON Schema
lint      what is wrong with one, by line and column
find      a name to its file
registry  every step there is
engine    run, resume, undo: the only way a playbook is carried out
door      to cluster and store, whose words pass the detectors first
plan      what a run would do
drive     one run under way
approvals a person's word before it goes on
cacao     what others call a playbook
runs      what is kept of each run
"""
