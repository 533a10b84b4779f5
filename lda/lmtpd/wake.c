#include "lda/lmtpd/wake.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

int mr_wake_init(struct mr_wake *wake)
{
	atomic_store(&wake->told, 0);
	atomic_store(&wake->lost, 0);
	wake->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wake->fd >= 0)
		return 0;
	return errno == EMFILE || errno == ENFILE ? MR_ELIMIT : MR_ETEMP;
}

void mr_wake_done(struct mr_wake *wake)
{
	mr_close_at(&wake->fd);
}

static bool address(const char *name, struct sockaddr_un *to_out)
{
	struct mr_span path = mr_span_str(name);

	*to_out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return mr_span_has_prefix(path, MR_SPAN("unix:/")) &&
	       mr_span_copyz(mr_span_sub(path, strlen("unix:"), path.len), to_out->sun_path,
			     sizeof(to_out->sun_path)) >= 0;
}

bool mr_wake_is_name(const char *name)
{
	struct sockaddr_un to;

	return address(name, &to);
}

/* Each value is a line: none of them can hold a line ending, which mr_name.h, mr_maildir.h and the
 * settings see to; but a datagram with a line too many would tell a lie. */
static bool is_line(struct mr_span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F)
			return false;
	}
	return true;
}

void mr_wake_tell(struct mr_wake *wake, const struct mr_list *watchers, struct mr_span local,
		  struct mr_span domain, const char *folder, const char *file)
{
	char text[MR_WAKE_SIZE_MAX];
	int len;

	if (watchers->count == 0)
		return;
	if (mr_span_eq_nocase(mr_span_str(folder), MR_SPAN("INBOX"))) /* RFC 3501 5.1 */
		folder = "INBOX";
	len = snprintf(text, sizeof(text),
		       "millrace-wake 1\nmailbox %.*s@%.*s\nfolder %s\nfile %s\n", (int)local.len,
		       local.p, (int)domain.len, domain.p, folder, file);
	if (len < 0 || (size_t)len >= sizeof(text) || !is_line(local) || !is_line(domain) ||
	    !is_line(mr_span_str(folder)) || !is_line(mr_span_str(file))) {
		atomic_fetch_add(&wake->lost, watchers->count);
		return;
	}
	for (size_t i = 0; i < watchers->count; i++) {
		struct sockaddr_un to;
		bool sent = address(watchers->item[i], &to) &&
			    sendto(wake->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
				   (const struct sockaddr *)&to, sizeof(to)) == len;

		atomic_fetch_add(sent ? &wake->told : &wake->lost, 1);
	}
}
