#!/bin/sh
# apply.sh: asks the API server of the current kubectl context whether it takes every overlay and component, and whether
# Pod Security lets the pods in. All of it is a dry run in a namespace that is made for it and deleted afterwards.
set -eu
cd "$(dirname "$0")/../.."
place=$(scripts/install-k8s-tools.sh)
export PYTHONDONTWRITEBYTECODE=1
exec "$place/bin/python" k8s/tests/apply.py "$place/bin/kubectl"
