/*
 * A delivered copy: what lda/lmtpd/sorting.c makes of a message for one recipient. Promised: what the
 * header is read as lies in it; the copy holds every octet of the body; and, learned from the mailbox, it
 * is the message that it would be had nothing been written anew (milters/spam/view.h). The last octet
 * says what the recipient wants.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "lda/lmtpd/sorting.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_msg.h"
#include "milters/spam/view.h"

#define ARENA_MAX  ((size_t)64 << 20)
#define SIZE_LIMIT 100000
#define ABOVE                                                                                      \
	"X-Spam-Flag: YES\nX-Spam-Score: 7.000\nX-Spam-Status: Yes, score=7.000 required=5.000 "   \
	"scorer=millrace\n\tbecause: start +7.0\nReceived: from c by mx id 1; today\n"
#define DELIVERED "Return-Path: <a@b>\nDelivered-To: ann@example.org\n"

enum { TAGS = 1, HIGH = 2, MILD = 4, BARE = 8, FRIEND = 16, BLOCKED = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a mailbox would have it; empty: out of memory. */
static struct mr_span stored(struct mr_span content, struct mr_arena *arena)
{
	size_t len = strlen(DELIVERED) + content.len;
	char *text = mr_arena_text(arena, len + 1);

	MR_ASSERT(text);
	memcpy(text, DELIVERED, strlen(DELIVERED));
	if (content.len > 0)
		memcpy(text + strlen(DELIVERED), content.p, content.len);
	return mr_span(text, len);
}

static void digest_of(struct mr_span raw, struct mr_arena *arena,
		      uint8_t digest[MR_SPAM_DIGEST_SIZE], struct mr_span *body_out)
{
	struct mr_msg msg;
	struct mr_spam_view view;

	MR_ASSERT(mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg) == 0);
	MR_ASSERT(mr_spam_view_init(&view, &msg, MR_SPAM_STORED, MR_SPAN(""), arena) == 0);
	mr_spam_view_digest(&view, digest);
	*body_out = msg.part[0].body;
}

static struct mr_span copy_of(struct mr_lmtp_mail *mail, const struct mr_user_settings *wish,
			      enum mr_sender_action says, struct mr_arena *arena)
{
	struct mr_sorting sorting;
	struct mr_span copy;
	struct mr_maildir_file file = { .fd = memfd_create("copy", MFD_CLOEXEC) };

	MR_ASSERT(file.fd >= 0);
	mr_sort(mail, wish, MR_SPAN("ann"), MR_SPAN("example.org"), NULL, says, &sorting);
	MR_ASSERT(mr_sort_copy(mail, wish, &sorting, &file) == 0);
	MR_ASSERT(lseek(file.fd, 0, SEEK_SET) == 0);
	MR_ASSERT(mr_read_fd(file.fd, ARENA_MAX / 8, arena, &copy) == 0);
	close(file.fd);
	return copy;
}

static void check_field(const struct mr_head_field *f, struct mr_span content)
{
	MR_ASSERT(f->at <= content.len && f->size <= content.len - f->at);
	MR_ASSERT(f->size == 0 || (f->value_at >= f->at && f->value_at <= f->at + f->size));
}

/* Above the MTA's own Received nobody but delivery writes X-Spam-Tag, and it has not yet. */
static bool is_tagged_before(struct mr_span content)
{
	struct mr_span name = MR_SPAN("X-Spam-Tag");

	for (size_t i = 0; i + name.len <= content.len; i++) {
		if (mr_span_eq_nocase(mr_span_sub(content, i, name.len), name))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	unsigned how = size > 0 ? data[size - 1] : 0;
	enum mr_sender_action says = how & FRIEND    ? MR_SENDER_FRIEND
				     : how & BLOCKED ? MR_SENDER_FOLDER
						     : MR_SENDER_NONE;
	struct mr_lmtp_mail mail = { .arena = arena };
	uint8_t want[MR_SPAM_DIGEST_SIZE], got[MR_SPAM_DIGEST_SIZE];
	struct mr_span body, body_got;
	struct mr_user_settings wish;
	struct mr_settings set;
	struct mr_head head;
	bool made;

	if (size > SIZE_LIMIT || ((how & BARE) && is_tagged_before(mr_span_bytes(data, size))) ||
	    mr_settings_default(&set) < 0)
		return 0;
	mail.set = &set;
	mr_buf_init(&mail.content, 2 * SIZE_LIMIT);
	if (!(how & BARE))
		mr_buf_adds(&mail.content, ABOVE);
	mr_buf_add(&mail.content, mr_span_bytes(data, size > 0 ? size - 1 : 0));
	mr_user_settings_default(&wish);
	wish.spam = how & TAGS ? MR_SPAM_PLACE_TAG : MR_SPAM_PLACE_FOLDER;
	wish.spam_tag = how & HIGH ? MR_SPAN("\xe2\x9a\xa0 x") : MR_SPAN("[SPAM]");
	wish.spam_threshold = how & MILD ? 9000 : 5000;
	MR_ASSERT(mr_content_of(&mail, &head, &made) && made);
	check_field(&head.flag, mr_buf_span(&mail.content));
	check_field(&head.score, mr_buf_span(&mail.content));
	check_field(&head.status, mr_buf_span(&mail.content));
	check_field(&head.subject, mr_buf_span(&mail.content));
	digest_of(stored(mr_buf_span(&mail.content), arena), arena, want, &body);
	digest_of(stored(copy_of(&mail, &wish, says, arena), arena), arena, got, &body_got);
	MR_ASSERT(mr_span_eq(body, body_got));
	MR_ASSERT(memcmp(want, got, sizeof(want)) == 0);
	mr_content_done(mail.memo);
	mr_buf_done(&mail.content);
	mr_settings_done(&set);
	return 0;
}
