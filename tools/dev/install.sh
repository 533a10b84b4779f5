#!/bin/sh
# Install what was built. Nothing is started, no user is made: at the end it says what is left to do.
#   tools/dev/install.sh BUILD DESTDIR PREFIX
set -eu
build=$1 dest=$2 prefix=$3
put() { # MODE FILE FOLDER
	[ -e "$2" ] || return 0
	install -d "$dest$3"
	install -m "$1" "$2" "$dest$3/"
}
# The same for a text that names our programs: they are below PREFIX.
put_text() { # FILE FOLDER
	[ -e "$1" ] || return 0
	put 0644 "$1" "$2"
	sed "s#/usr/sbin/millrace#$prefix/sbin/millrace#g; s#/usr/lib/millrace#$prefix/lib/millrace#g
		s#/usr/bin/millrace#$prefix/bin/millrace#g" "$1" >"$dest$2/${1##*/}"
}
for program in "$build"/bin/millrace*; do
	case $program in
	*/millrace) put 0755 "$program" "$prefix/bin" ;;
	*/millrace-deliver) put 0755 "$program" "$prefix/lib/millrace" ;;
	*) put 0755 "$program" "$prefix/sbin" ;;
	esac
done
for page in docs/man/*.[1-8] milters/*/*.[1-8] lda/*/*.[1-8]; do
	put_text "$page" "$prefix/share/man/man${page##*.}"
done
for unit in conf/systemd/*.service conf/systemd/*.timer; do
	put_text "$unit" "$prefix/lib/systemd/system"
done
for file in conf/sysusers.d/*.conf; do put 0644 "$file" "$prefix/lib/sysusers.d"; done
for file in conf/tmpfiles.d/*.conf; do put 0644 "$file" "$prefix/lib/tmpfiles.d"; done
put 0644 conf/millrace.conf.sample "$prefix/share/doc/millrace"
for mta in postfix sendmail dovecot; do
	for file in conf/$mta/*; do put_text "$file" "$prefix/share/doc/millrace/$mta"; done
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
put 0644 conf/postfix/mapd.cf "$play/conf/postfix"
put 0644 conf/sendmail/mapd.mc "$play/conf/sendmail"
install -d "$dest$play/bin"
for program in "$build"/bin/millrace*; do
	name=${program##*/}
	case $name in
	millrace) ln -sf ../../../../bin/millrace "$dest$play/bin/" ;;
	millrace-deliver) ln -sf ../../../../lib/millrace/millrace-deliver "$dest$play/bin/" ;;
	*) ln -sf "../../../../sbin/$name" "$dest$play/bin/" ;;
	esac
done

doc=$prefix/share/doc/millrace
if [ -n "$dest" ]; then
	echo "installed below $dest$prefix; the sample and the snippets for MTAs: $dest$doc"
	exit 0
fi
cat <<END
Installed below $prefix. Left to do, as root:
  systemd-sysusers $prefix/lib/sysusers.d/millrace.conf
  systemd-tmpfiles --create $prefix/lib/tmpfiles.d/millrace.conf
  install -D -m 0644 $doc/millrace.conf.sample /etc/millrace/millrace.conf    # if there is none
  $prefix/bin/millrace domain add example.org      # yours; millrace-lmtpd needs the store that this makes
  $prefix/bin/millrace user add alice@example.org
  systemctl daemon-reload
  systemctl enable --now millrace-spam millrace-lmtpd millrace-mapd
  systemctl enable --now millrace-spam-rebuild.timer millrace-spam-expire.timer
  usermod -aG millrace-spam,millrace-mail,millrace-map postfix        # or the user of your MTA
Lines for Postfix, sendmail and Dovecot: $doc/{postfix,sendmail,dovecot}
END
