"""irkit: incident response and forensics for Kubernetes. The folders tell the story of an incident, in order.

cluster   ACCESS             the one door to the Kubernetes API
contain   STOP THE BLEEDING  isolate a pod, and say whether it holds
collect   TAKE EVIDENCE      one file per collector; what cannot be taken is a gap
audit     WHO DID IT         the audit events that concern the pod
bundle    SEAL IT            evidence, manifest and custody in one verifiable archive
ship      SEND IT            to a folder or an S3-compatible store, against a receipt
report    TELL IT            for the manager, the responder and the script
playbook  WHAT WE DO         steps, the only engine, the journal
triggers  SOMETHING HAPPENED alerts received, kept in a durable queue, acted on
drill     PRACTISE IT        a practice cluster with an incident in it
cli       THE FACE           parse, call, print
"""

__version__ = "0.1.0"
