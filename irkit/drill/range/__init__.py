"""The practice cluster: a real HTTP server that speaks the Kubernetes API to irkit and kubectl, and its incident.

PyPI's kmock was looked at first: a dictionary with create, read, update, delete and watch on aiohttp, but no
pagination, dry run, preconditions, patch kinds beyond merge, tables, RBAC, audit log or container logs. What was
missing is most of what a responder meets, so the range is its own, on the framework of the webhook server.

server    start and stop, the kubeconfig
app       one request's way: who, may they, what, and the audit line
request   what a path and a method ask for
answer    answers and failures, as the API server words them
kinds     what there is: resources, field types, selectors
state     objects, revisions, history; the controllers' reactions; container logs
access    users and tokens, RBAC, the audit log
verbs     get, list, watch, create, update, patch, delete, reviews
change    the four kinds of patch, and who owns which field
face      discovery, OpenAPI, tables
scenario  what happened tonight
"""
