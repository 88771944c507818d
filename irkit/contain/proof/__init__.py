"""A controlled experiment with packets: allowed before, blocked after, somebody else still allowed.

nouns       what is asked for, what is tried
script      what a probe runs, and what it says
pods        the pods that call and listen
experiment  the whole of it, cleaned up whatever happens
judge       what follows from what was heard
inside      a probe in the pod itself: calls out of it
flows       connections that were open before
"""
