/* The helper: it has the right to become any user, and does nothing but fork; and the writer, which has
 * become one. Neither sees a message, nor anything that came from outside but the names in the order. */
#include "lda/lmtpd/homes_private.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/run/mr_privs.h"

#define PASSWD_ROOM 16384
#define SWEEP_MAX   1000 /* names in tmp/ that are looked at */

/* -- the writer: the user's process ------------------------------------------------------------ */

/* Become him, and open his home; it may be a link, which is the administrator's. */
static int become(const char *local, int64_t uid_min, int *home_fd_out)
{
	static char room[PASSWD_ROOM];
	struct passwd entry, *found = NULL;
	struct mr_account user = { .uid = 0 };

	if (getpwnam_r(local, &entry, room, sizeof(room), &found) != 0 || !found ||
	    (int64_t)found->pw_uid < uid_min || found->pw_uid == 0)
		return MR_ETEMP;
	user.uid = found->pw_uid;
	user.gid = found->pw_gid;
	if (mr_span_copyz(mr_span_str(local), user.name, sizeof(user.name)) < 0 ||
	    mr_privs_drop(&user) < 0 || getuid() != user.uid || geteuid() != user.uid)
		return MR_ETEMP;
	/* Nobody may trace it, its user neither: it has a channel to lmtpd. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return MR_ETEMP;
	return mr_open_dir_at(AT_FDCWD, found->pw_dir, home_fd_out) < 0 ? MR_ETEMP : 0;
}

/* As for other mailboxes: a folder that cannot be, or is not there, is INBOX. */
static int open_folder(const struct homes_order *o, int inbox_fd, int *dir_fd_out, bool *inbox_out)
{
	unsigned flags = o->flags & MR_HOMES_CREATE ? MR_MAILDIR_CREATE : 0;
	int err = MR_ENOENT;

	*dir_fd_out = inbox_fd;
	if (o->name[0])
		err = mr_maildir_folder(inbox_fd, mr_span_str(o->name), flags, dir_fd_out);
	*inbox_out = err < 0;
	return err == MR_ENOENT || err == MR_EINVAL || err == MR_ELIMIT ? 0 : err;
}

static int begin(const struct homes_order *o, int64_t uid_min, struct mr_maildir_file *file,
		 bool *inbox_out, int *dir_fd_out)
{
	int home_fd, inbox_fd, err;

	/* What is opened here is closed by the end of the process. */
	if ((err = become(o->local, uid_min, &home_fd)) < 0 ||
	    (err = mr_maildir_open(home_fd, MR_HOMES_DIR, MR_MAILDIR_CREATE, &inbox_fd)) < 0 ||
	    (err = open_folder(o, inbox_fd, dir_fd_out, inbox_out)) < 0)
		return err == MR_EFULL || err == MR_ENOMEM ? err : MR_ETEMP;
	return mr_maildir_begin(*dir_fd_out, mr_span_str(o->host), file);
}

static _Noreturn void writer(int channel, const struct homes_order *o, int64_t uid_min)
{
	struct mr_maildir_file file = { .fd = -1, .tmp_fd = -1 };
	struct homes_begun begun = { .err = 0 };
	struct homes_commit commit;
	struct homes_done done = { .err = 0 };
	int dir_fd = -1;

	begun.err = begin(o, uid_min, &file, &begun.inbox, &dir_fd);
	if (homes_send(channel, &begun, sizeof(begun), file.fd) == 0 && begun.err == 0 &&
	    homes_recv(channel, &commit, sizeof(commit), NULL, -1) == 0) {
		file.size = commit.size;
		file.lines_lf = commit.lines_lf;
		file.synced = commit.synced;
		done.err = mr_maildir_commit(&file);
		memcpy(done.name, file.name, sizeof(done.name));
		(void)!homes_send(channel, &done, sizeof(done), -1);
	}
	mr_maildir_abort(&file);
	if (begun.err == 0 && (o->flags & MR_HOMES_SWEEP))
		(void)!mr_maildir_sweep(dir_fd, mr_time_s(), SWEEP_MAX);
	_exit(0);
}

/* -- the helper ------------------------------------------------------------------------------- */

/* Of root's rights two are left, and no program is ever run. */
static int lock_up(void)
{
	static const char *const never[] = { "execve", "execveat", "ptrace", "process_vm_writev",
					     "mount",  "bpf",      "chroot", "init_module" };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 0 } };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? 0 : MR_ENOMEM;

	for (size_t i = 0; err == 0 && i < MR_COUNT(never); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
				       seccomp_syscall_resolve_name(never[i]), 0);
	if (err == 0)
		err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	caps[0].effective = caps[0].permitted = 1u << CAP_SETUID | 1u << CAP_SETGID;
	if (err < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, caps) < 0)
		return MR_EPERM;
	return 0;
}

/* What a look-up loads (nsswitch.conf(5) names libraries) is then there for each writer. */
static void look_up_once(void)
{
	static char room[PASSWD_ROOM];
	struct passwd entry, *found = NULL;
	gid_t groups[1];
	int count = MR_COUNT(groups);

	(void)!getpwnam_r("nobody", &entry, room, sizeof(room), &found);
	(void)!getgrouplist("nobody", 65534, groups, &count);
}

/* One writer; the channel to it, or -1. */
static int hire(int sock, const struct homes_order *o, int64_t uid_min)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		close(sock); /* who has it has all users */
		close(pair[0]);
		writer(pair[1], o, uid_min);
	}
	close(pair[1]);
	if (child < 0)
		mr_close_at(&pair[0]);
	return pair[0];
}

_Noreturn void homes_helper(int sock, int64_t uid_min)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
	struct homes_order o;
	sigset_t none;

	/* It ends when lmtpd has, whoever is told to end; and nobody waits for a writer. */
	for (size_t i = 0; i < MR_COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The sockets that lmtpd has bound are none of ours. */
	if ((sock > 3 && syscall(SYS_close_range, 3u, (unsigned)sock - 1, 0u) < 0) ||
	    syscall(SYS_close_range, (unsigned)sock + 1, ~0u, 0u) < 0 || lock_up() < 0)
		_exit(1);
	look_up_once();
	while (homes_recv(sock, &o, sizeof(o), NULL, -1) == 0) {
		int channel;

		o.local[sizeof(o.local) - 1] = '\0';
		o.name[sizeof(o.name) - 1] = '\0';
		o.host[sizeof(o.host) - 1] = '\0';
		channel = hire(sock, &o, uid_min);
		if (homes_send(sock, "", 1, channel) < 0)
			break;
		mr_close_at(&channel);
	}
	_exit(0);
}
