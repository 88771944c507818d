#!/usr/bin/env bash
# Builds the API server's own audit policy evaluator from its Go module. Usage: build.sh VERSION TARGET
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
cp "$here/main.go" .
export GOFLAGS=-mod=mod CGO_ENABLED=0
go mod init oracle 2>/dev/null
go mod edit -require="k8s.io/apiserver@v0.${1#1.}"
mkdir -p "$(dirname "$2")"
go build -trimpath -o "$2" . >build.log 2>&1 || { tail -20 build.log >&2; exit 1; }
