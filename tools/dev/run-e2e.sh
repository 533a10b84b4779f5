#!/bin/sh
# Run the end-to-end tests against real servers, as root; nothing outside the loopback is asked, and
# nothing stays behind. The last line is "N passed, N failed, N skipped".
#   tools/dev/run-e2e.sh BUILD [T] [PYTEST OPTIONS]
# T: the T of tests/e2e/test_T.py, or what pytest's -k takes.
set -eu
cd "$(dirname "$0")/../.."
# Debian's Python, which has Debian's pytest.
exec /usr/bin/python3 -B tests/e2e/run.py "$@"
