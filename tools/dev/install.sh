#!/bin/sh
# Install what was built. Nothing is started, no user is made: the files in share/doc/millrace say what is left to do.
#   tools/dev/install.sh BUILD DESTDIR PREFIX
set -eu
build=$1 dest=$2 prefix=$3
put() { # MODE FILE FOLDER
	[ -e "$2" ] || return 0
	install -d "$dest$3"
	install -m "$1" "$2" "$dest$3/"
}
for program in "$build"/bin/millrace*; do
	case $program in
	*/millrace) put 0755 "$program" "$prefix/bin" ;;
	*/millrace-deliver) put 0755 "$program" "$prefix/lib/millrace" ;;
	*) put 0755 "$program" "$prefix/sbin" ;;
	esac
done
for page in docs/man/*.[1-8] milters/*/*.[1-8] lda/*/*.[1-8]; do
	put 0644 "$page" "$prefix/share/man/man${page##*.}"
done
for unit in conf/systemd/*.service; do
	put 0644 "$unit" "$prefix/lib/systemd/system"
done
for file in conf/sysusers.d/*.conf; do put 0644 "$file" "$prefix/lib/sysusers.d"; done
for file in conf/tmpfiles.d/*.conf; do put 0644 "$file" "$prefix/lib/tmpfiles.d"; done
put 0644 conf/millrace.conf.sample "$prefix/share/doc/millrace"
for mta in postfix sendmail dovecot; do
	for file in conf/$mta/*; do put 0644 "$file" "$prefix/share/doc/millrace/$mta"; done
done
for file in milters/spam/*.model; do put 0644 "$file" "$prefix/share/millrace"; done
if [ -e tools/millrace.bash-completion ]; then
	install -d "$dest$prefix/share/bash-completion/completions"
	install -m 0644 tools/millrace.bash-completion \
		"$dest$prefix/share/bash-completion/completions/millrace"
fi
# The playground, and one folder with all programs, as it wants them.
play=$prefix/share/millrace/playground
put 0755 tests/e2e/playground.py "$play"
for file in tests/e2e/stack/*.py; do put 0644 "$file" "$play/stack"; done
install -d "$dest$play/bin"
for program in "$build"/bin/millrace*; do
	name=${program##*/}
	case $name in
	millrace) ln -sf ../../../../bin/millrace "$dest$play/bin/" ;;
	millrace-deliver) ln -sf ../../../../lib/millrace/millrace-deliver "$dest$play/bin/" ;;
	*) ln -sf "../../../../sbin/$name" "$dest$play/bin/" ;;
	esac
done
