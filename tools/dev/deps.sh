#!/bin/sh
# Install what deps.txt (or the file named) lists and this machine lacks.
#   tools/dev/deps.sh [FILE] [--dry-run]
# A line is PACKAGE, or PACKAGE unless-command COMMAND, or `unpack PACKAGE`: downloaded and unpacked
# under build/sendmail, for what would remove something installed.
# It simulates first, and stops if apt would remove anything. Services that packages bring are not
# started: a policy-rc.d of ours stands while apt runs, unless the machine has one already.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
list=deps.txt dry=
for arg; do
	case $arg in
	--dry-run) dry=1 ;;
	*) list=$arg ;;
	esac
done
top=$(pwd)
unpack_dir=$top/build/sendmail

die() { echo "deps: $*" >&2; exit 1; }
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@" || die "needs root for: $*"; fi
}
installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; }

missing= unpack=
while read -r name word arg; do
	case $name in
	''|'#'*) continue ;;
	unpack)
		[ -e "$unpack_dir/.have-$word" ] || unpack="$unpack $word"
		continue ;;
	esac
	if [ "$word" = unless-command ] && command -v "$arg" >/dev/null; then continue; fi
	installed "$name" || missing="$missing $name"
done <"$list"

[ -n "$missing$unpack" ] || { echo "deps: nothing missing"; exit 0; }
echo "deps: missing:${missing:- none}; to unpack:${unpack:- none}"
[ -z "$dry" ] || exit 0

# A fresh machine has no package lists, or old ones.
if [ -n "$(find /var/lib/apt/lists -name '*Packages*' -mtime -1 2>/dev/null | head -n 1)" ]; then
	:
else
	as_root apt-get -q update >/dev/null || die "apt-get update failed"
fi

if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # a list of words
	plan=$(apt-get install -s --no-install-recommends $missing) || die "apt cannot install:$missing"
	removes=$(printf '%s\n' "$plan" | grep '^Remv' || true)
	[ -z "$removes" ] || die "stopped: apt would remove something:
$removes"
	# Postfix comes with "No configuration": /etc/postfix stays as it is.
	echo 'postfix postfix/main_mailer_type select No configuration' |
		as_root debconf-set-selections
	ours=
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		ours=1
		printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
		as_root chmod 755 /usr/sbin/policy-rc.d
		trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
	fi
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null ||
		die "apt-get install failed"
fi

for package in $unpack; do
	mkdir -p "$unpack_dir"
	(cd "$unpack_dir" && rm -f "${package}"_*.deb && apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null &&
		dpkg -x "${package}"_*.deb root && rm -f "${package}"_*.deb) || die "cannot unpack $package"
	touch "$unpack_dir/.have-$package"
done
echo "deps: done"
