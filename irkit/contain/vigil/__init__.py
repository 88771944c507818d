"""Stay with an isolated pod.

watch     what changes, as it changes
drift     in what the isolation is not as irkit left it
deadline  when it is to end
"""
