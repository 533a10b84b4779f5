/*
 * mr_smtp: the grammar of SMTP and its kin, for LMTP now and submission later: commands, paths,
 * parameters, replies, and the content of DATA as it comes in pieces. Pure: no socket, no state but
 * what the caller holds. Any thread.
 *
 * The peer is most often an MTA that has accepted the message already; an address refused here is
 * a message lost. So where an address that is in use breaks RFC 5321 4.1.2 without harm (dots in odd
 * places, "_" in a domain, no domain, a long local part), it is taken; docs/DEVIATIONS.md lists it.
 * Control characters never are. Of a sender we only want one line of text, so whatever it is costs
 * nobody his mail.
 */
#ifndef MR_SMTP_H
#define MR_SMTP_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"

/* RFC 5321 4.1.1: verb [SP arguments]. The verb as written; arguments without blanks around them. */
void mr_smtp_command(struct mr_span line, struct mr_span *verb_out, struct mr_span *args_out);

/* RFC 5321 4.1.2 Reverse-path, Forward-path; RFC 6531 3.3. */
struct mr_smtp_path {
	struct mr_span text; /* as written, without <> and source route; "" is the null sender */
	struct mr_span local; /* without quotes and backslashes */
	struct mr_span domain; /* or address literal, with its brackets; may be empty */
	bool utf8; /* holds more than ASCII; not always valid UTF-8: see DEVIATIONS */
};

/* Take a path in <>. MR_ESYNTAX, MR_ENOMEM. The spans are in arena. */
MR_MUST_USE int mr_smtp_path(struct mr_cur *c, struct mr_arena *arena,
			     struct mr_smtp_path *path_out);
/* The same from an argument of a command line: no <>; a local part may be written without the quotes
 * that it needs, and is then all before the last "@". "" is the null sender. */
MR_MUST_USE int mr_smtp_path_from_arg(struct mr_span arg, struct mr_arena *arena,
				      struct mr_smtp_path *path_out);
/*
 * The same for the sender. What is no path is taken all the same: its domain may hold any octet but
 * "<", ">", blanks and control characters, and what is worse than that becomes the null sender. So only
 * MR_ENOMEM.
 */
MR_MUST_USE int mr_smtp_sender_from_arg(struct mr_span arg, struct mr_arena *arena,
					struct mr_smtp_path *path_out);
/* Append local@domain, quoted where it must be (RFC 5321 4.1.2 Quoted-string), without <>. */
void mr_smtp_path_put(struct mr_buf *out, struct mr_span local, struct mr_span domain);

/* One of RFC 5321 4.1.2 Mail-parameters. */
struct mr_smtp_param {
	struct mr_span name, value; /* value is empty where there is no "=" */
};
/* Take the next one, and the blanks before it: 1, 0 at the end, MR_ESYNTAX. */
MR_MUST_USE int mr_smtp_param(struct mr_cur *c, struct mr_smtp_param *param_out);

enum mr_smtp_body { MR_SMTP_BODY_NONE, MR_SMTP_BODY_7BIT, MR_SMTP_BODY_8BITMIME };

struct mr_smtp_mail {
	struct mr_smtp_path from;
	uint64_t size; /* RFC 1870, 0: not told */
	enum mr_smtp_body body;
	bool smtputf8;
};
/* The arguments of MAIL: "FROM:<path> parameters"; of what stands in <> see mr_smtp_sender_from_arg().
 * MR_ESYNTAX: no <>, or not that word; MR_EINVAL: a parameter that we do not know (555); MR_ENOMEM. */
MR_MUST_USE int mr_smtp_mail(struct mr_span args, struct mr_arena *arena,
			     struct mr_smtp_mail *mail_out);
/* The arguments of RCPT, "TO:<path>"; the same errors. The empty path is MR_ESYNTAX. */
MR_MUST_USE int mr_smtp_rcpt(struct mr_span args, struct mr_arena *arena,
			     struct mr_smtp_path *path_out);

/* RFC 3461 4: undo xtext into arena. MR_ESYNTAX; also where a control character comes out; MR_ENOMEM. */
MR_MUST_USE int mr_smtp_xtext(struct mr_span in, struct mr_arena *arena, struct mr_span *text_out);
/* Write text as xtext. */
void mr_smtp_xtext_put(struct mr_buf *out, struct mr_span text);

/* One line of a reply (RFC 5321 4.2, RFC 2034). */
struct mr_smtp_reply {
	int code; /* 200 to 599 */
	bool last; /* no "-" behind the code */
	struct mr_span status; /* "5.1.1", or empty */
	struct mr_span text; /* behind it */
};
MR_MUST_USE int mr_smtp_reply(struct mr_span line, struct mr_smtp_reply *reply_out);

/*
 * The content of DATA (RFC 5321 4.5.2), in pieces of any size. Only CR LF "." CR LF ends it: a bare
 * CR or LF is content, begins no line, and can neither end the message nor hide a dot.
 */
struct mr_smtp_data {
	int state; /* private; 0 at first */
};
/*
 * Deal with the first octets of in; returns how many: none when in is empty, when the end was met, or
 * when an octet held back comes out first. What they mean is in content_out: a piece of in, or one
 * octet of ours; may be empty. Call again until in is used up or the end was met.
 */
MR_MUST_USE size_t mr_smtp_data_next(struct mr_smtp_data *data, struct mr_span in,
				     struct mr_span *content_out);
/* The end was met. */
bool mr_smtp_data_ended(const struct mr_smtp_data *data);

/* CR LF becomes LF, the rest stays. A CR at the end of a piece waits for the next one. */
struct mr_smtp_lf {
	bool cr; /* private */
};
/* Appends at most in.len + 1 octets; what mr_buf_add returns. */
MR_MUST_USE int mr_smtp_lf_add(struct mr_smtp_lf *lf, struct mr_span in, struct mr_buf *out);
MR_MUST_USE int mr_smtp_lf_end(struct mr_smtp_lf *lf, struct mr_buf *out);

/*
 * The other way: a message with LF or CR LF as DATA wants it: CR LF, dots doubled at the start of
 * lines. end appends the line's end that may be missing, and CR LF "." CR LF's last three octets.
 */
struct mr_smtp_stuff {
	bool inside, cr; /* private: within a line; the last octet was CR */
};
/* Appends at most three octets for each of in. */
MR_MUST_USE int mr_smtp_stuff_add(struct mr_smtp_stuff *stuff, struct mr_span in,
				  struct mr_buf *out);
MR_MUST_USE int mr_smtp_stuff_end(struct mr_smtp_stuff *stuff, struct mr_buf *out);

#endif
