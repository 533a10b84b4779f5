#!/bin/sh
# The delivery row: millrace-lmtpd beside Dovecot's LMTP; millrace-deliver beside maildrop and dovecot-lda;
# both LMTP servers and virtual(8) behind one Postfix; and what a delivery costs until its message was
# read by IMAP. In turns, in one run, on one file system, each round with new mailboxes.
# ROUNDS=N (2), PART=lmtp|pipe|postfix|imap for one of them. Needs root; 5 minutes.
set -eu
cd "$(dirname "$0")/../../.."
mkdir -p build/bench/delivery
tools/dev/deps.sh tests/bench/delivery/deps.txt >&2
make --no-print-directory -j2 MODE=release all build/release/bin/smtp_load build/release/bin/pipe_load \
	>build/bench/delivery/make.log 2>&1 || { tail build/bench/delivery/make.log; exit 1; }
exec /usr/bin/python3 -B tests/bench/delivery/measure.py build/release ${PART:+"$PART"}
