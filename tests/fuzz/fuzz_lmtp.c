/*
 * A whole conversation over a delivery that pretends. Promised: every reply is a well-formed line;
 * after the content there is one for each accepted recipient; each transaction is dropped; what a
 * client can make us keep is bounded; and in single bytes the conversation is the same. The last
 * octet also says how the world is: see enum.
 */
#include "lda/lmtpd/lmtp.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define SIZE_LIMIT 200000
#define OUT_MAX    (1u << 20)
#define FED_MAX    300000 /* octets, where the input is sent over and over */

enum { SMALL = 1, STOPS = 2, DRAINS = 4, REPEATS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	int accepted, told, open, stored;
	uint64_t content;
};

static void fake_rcpt(void *arg, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt)
{
	struct world *w = arg;
	bool refused = rcpt->path.local.len > 0 && rcpt->path.local.p[0] == 'n';

	mail->memo = w;
	w->open = 1;
	w->accepted += !refused;
	rcpt->reply = refused ? (struct mr_lmtp_reply){ 550, "5.1.1", "No" }
			      : (struct mr_lmtp_reply){ 250, "2.1.5", "Yes" };
}

static int fake_more(void *arg, struct mr_lmtp_mail *mail)
{
	struct world *w = arg;

	MR_ASSERT(mail->content.len >= MR_LMTP_CONTENT_MAX);
	w->content += mail->content.len;
	return w->content > 140000 && mail->rcpt_count > 1 ? MR_ETEMP : 0;
}

static void fake_store(void *arg, struct mr_lmtp_mail *mail)
{
	struct world *w = arg;

	MR_ASSERT(mail->rcpt_count > 0 && mail->size <= SIZE_LIMIT);
	MR_ASSERT(mail->content.len <= mail->size);
	w->stored++;
	for (size_t i = 0; i < mail->rcpt_count; i++)
		mail->rcpt[i].reply = (struct mr_lmtp_reply){ 250, "2.0.0", "Saved" };
}

static void fake_told(void *arg, const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt,
		      int64_t now_ms)
{
	struct world *w = arg;

	MR_ASSERT(mail->start_ms <= now_ms && rcpt->reply.code >= 200);
	w->told++;
}

static void fake_drop(void *arg, struct mr_lmtp_mail *mail MR_UNUSED)
{
	struct world *w = arg;

	w->open = 0;
	w->content = 0;
}

static void settle(struct mr_lmtp *s, struct mr_buf *out)
{
	while (mr_lmtp_busy(s) || mr_lmtp_output(s).len > 0) {
		struct mr_span said = mr_lmtp_output(s);

		MR_ASSERT(said.len < OUT_MAX);
		(void)mr_buf_add(out, said);
		mr_lmtp_sent(s, said.len, 1);
		if (mr_lmtp_busy(s)) {
			mr_lmtp_work(s);
			mr_lmtp_worked(s, 1);
		}
	}
}

static void check_replies(struct mr_span all)
{
	struct mr_cur c = mr_cur(all);
	struct mr_smtp_reply reply;
	struct mr_span line;

	MR_ASSERT(mr_span_has_suffix_nocase(all, MR_SPAN("\r\n")));
	while (mr_cur_line(&c, &line))
		MR_ASSERT(mr_smtp_reply(line, &reply) == 0 && line.len <= 510);
}

/* Once, or until FED_MAX octets were sent. */
static void feed(struct mr_lmtp *s, struct mr_span in, size_t step, bool repeats,
		 struct mr_buf *out)
{
	size_t fed = 0;

	do {
		for (size_t at = 0; at < in.len && mr_lmtp_reads(s); at += step) {
			mr_lmtp_input(s, mr_span_sub(in, at, step), 1);
			settle(s, out);
		}
		fed += in.len;
	} while (repeats && mr_lmtp_reads(s) && fed < FED_MAX);
}

static void converse(const struct mr_settings *set, struct mr_span in, size_t step, unsigned how,
		     struct world *w, struct mr_buf *out)
{
	const struct mr_lmtp_ops ops = {
		fake_rcpt, fake_more, fake_store, fake_told, fake_drop, w
	};
	struct mr_lmtp *s = mr_lmtp_new(set, "fuzz", &ops, 0);

	MR_ASSERT(s);
	settle(s, out);
	feed(s, in, step, (how & REPEATS) && in.len >= 1000, out);
	if (how & STOPS) {
		mr_lmtp_stop(s, how & DRAINS, 1);
		settle(s, out);
		feed(s, in, step, false, out);
	}
	mr_lmtp_tick(s, 1 + set->lmtp_timeout_ms);
	settle(s, out);
	MR_ASSERT(mr_lmtp_closed(s)); /* by itself, or by the clock */
	mr_lmtp_free(s);
	MR_ASSERT(w->open == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mr_settings set;
	struct mr_span in = mr_span_bytes(data, size);
	unsigned how = size > 0 ? data[size - 1] : 0;
	struct world whole = { 0 }, bytes = { 0 };
	MR_AUTO_BUF out = MR_BUF(64u << 20);
	MR_AUTO_BUF out_bytes = MR_BUF(64u << 20);

	if (size > MR_LMTP_INPUT_MAX || (!set.owned && mr_settings_default(&set) < 0))
		return 0;
	set.message_size_max = how & SMALL ? 100 : SIZE_LIMIT;
	set.lmtp_recipients_max = 5;
	converse(&set, in, size > 0 ? size : 1, how, &whole, &out);
	check_replies(mr_buf_span(&out));
	if (size > 4096 || (how & REPEATS))
		return 0;
	converse(&set, in, 1, how, &bytes, &out_bytes);
	MR_ASSERT(mr_span_eq(mr_buf_span(&out), mr_buf_span(&out_bytes)));
	MR_ASSERT(whole.told == bytes.told && whole.stored == bytes.stored);
	return 0;
}
