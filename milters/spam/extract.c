#include "milters/spam/extract.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_body.h"
#include "lib/mail/mr_words.h"
#include "milters/spam/fold.h"
#include "milters/spam/answer.h"
#include "milters/spam/html.h"
#include "milters/spam/text.h"
#include "milters/spam/url.h"

#define SEED_TEXT  0x1001u
#define SEED_FIELD 0x2001u
#define SEED_PART  0x2002u
#define SEED_NAME  0x3001u
#define SEED_BUILD 0x4001u

struct extract {
	const struct mr_spam_view *view;
	struct mr_arena *arena;
	struct mr_spam_features *f;
	struct mr_spam_words text; /* shared by all parts, so that pairs do not start anew */
	size_t text_left;
	uint32_t texts; /* that were read */
	struct mr_span unseen[MR_SPAM_PARTS_MAX]; /* bodies of parts that no reader sees */
	uint32_t unseen_count;
	struct mr_spam_tricks tricks;
};

/*
 * Lines that end in LF, at most size_max bytes, cut between characters. A message has CR LF on arrival
 * and LF in a Maildir, and must not have other features there: what counts bytes would see it.
 */
static int lines_lf(struct mr_span *text, size_t size_max, struct mr_arena *arena)
{
	size_t len = 0, first = mr_span_find(*text, '\r');

	if (first < text->len) {
		char *to = mr_arena_text(arena, text->len);

		if (to == NULL)
			return MR_ENOMEM;
		for (size_t i = 0; i < text->len; i++) {
			while (text->p[i] == '\n' && len > 0 && to[len - 1] == '\r')
				len--;
			to[len++] = text->p[i];
		}
		*text = mr_span(to, len);
	}
	if (text->len > size_max) {
		len = size_max;
		while (len > 0 && ((uint8_t)text->p[len] & 0xC0) == 0x80)
			len--;
		text->len = len;
	}
	return 0;
}

/* -- header ----------------------------------------------------------------------------------- */

/* Fields that differ from message to message and say nothing: their words are left out. That of Date
 * is the month in which lessons were taught. */
static bool is_noise(struct mr_span name)
{
	static const struct mr_span noise[] = { MR_SPAN("DKIM-Signature"),
						MR_SPAN("ARC-Seal"),
						MR_SPAN("ARC-Message-Signature"),
						MR_SPAN("X-Google-DKIM-Signature"),
						MR_SPAN("References"),
						MR_SPAN("In-Reply-To"),
						MR_SPAN("Thread-Index"),
						MR_SPAN("Date") };

	return mr_span_among_nocase(name, noise, MR_COUNT(noise));
}

/* The value as text: decoded where there is something to decode. */
static int field_text(struct extract *x, struct mr_span value, struct mr_span *text_out)
{
	/* Half of it may be CR. */
	struct mr_span v = mr_span_sub(value, 0, 2 * MR_SPAM_FIELD_SIZE_MAX);
	bool plain = true;
	int err = lines_lf(&v, MR_SPAM_FIELD_SIZE_MAX, x->arena);

	if (err < 0)
		return err;
	for (size_t i = 0; i < v.len && plain; i++)
		plain = !mr_is(v.p[i], MR_HIGH) &&
			(v.p[i] != '=' || i + 1 == v.len || v.p[i + 1] != '?');
	if (plain) {
		*text_out = v;
		return 0;
	}
	if ((err = mr_words_decode(v, MR_SPAM_FIELD_SIZE_MAX, x->arena, &v)) < 0)
		return err;
	return mr_spam_fold(v, x->arena, &x->tricks, text_out);
}

/* RFC 5322 3.6.7: the date stands behind the last semicolon of Received. It says as little as Date. */
static struct mr_span without_date(struct mr_span received)
{
	size_t len = received.len;

	while (len > 0 && received.p[len - 1] != ';')
		len--;
	return len > 0 ? mr_span_sub(received, 0, len) : received;
}

static int add_field(struct extract *x, const struct mr_field *field, uint64_t seed)
{
	char folded[MR_SPAM_TOKEN_MAX];
	struct mr_span name = mr_spam_lower(field->name, folded, sizeof(folded)), text;
	struct mr_spam_words w = { .f = x->f,
				   .family = MR_SPAM_HEAD,
				   .kind = "header-word",
				   .field = field->name,
				   .seed = mr_spam_hash(seed, name),
				   .hosts = true };
	int err;

	if (is_noise(field->name))
		return 0;
	if ((err = field_text(x, field->value, &text)) < 0)
		return err;
	if (mr_span_eq(name, MR_SPAN("received")))
		text = without_date(text);
	if (mr_span_eq(name, MR_SPAN("subject"))) {
		w.pairs = true;
		w.tricks = &x->tricks;
	}
	mr_spam_words_add(&w, text);
	return 0;
}

static int add_header(struct extract *x)
{
	const struct mr_spam_view *view = x->view;
	int err;

	for (uint32_t i = 0; i < view->count; i++) {
		char folded[MR_SPAM_TOKEN_MAX];
		const struct mr_field *field = view->field[i];
		struct mr_span name = mr_spam_lower(field->name, folded, sizeof(folded));

		mr_spam_feature_add(x->f, MR_SPAM_NAME, mr_spam_hash(SEED_NAME, name),
				    "header-name", field->name, field->name);
		if ((err = add_field(x, field, SEED_FIELD)) < 0)
			return err;
	}
	return mr_spam_answer_add(view, x->arena, x->f);
}

/* -- parts ------------------------------------------------------------------------------------ */

static void add_build(struct extract *x, const char *kind, struct mr_span field,
		      struct mr_span text)
{
	char folded[MR_SPAM_TOKEN_MAX];

	mr_spam_feature_add(x->f, MR_SPAM_HTML,
			    mr_spam_hash(mr_spam_hash(SEED_BUILD, mr_span_str(kind)),
					 mr_spam_lower(text, folded, sizeof(folded))),
			    kind, field, text);
}

/*
 * A reader sees it when he opens it: a part that is attached, or lies in one that is; a text of a type
 * that programs offer as a file; the text of a message within the message.
 */
static bool is_attached(const struct mr_msg *msg, uint32_t index)
{
	const struct mr_part *part = &msg->part[index];

	if (!mr_part_is(part, "text", "plain") && !mr_part_is(part, "text", "html") &&
	    !mr_part_is(part, "text", "enriched"))
		return true;
	for (uint32_t i = index;; i = msg->part[i].parent) {
		if (mr_part_is_attachment(msg, i) || msg->part[i].kind == MR_PART_MESSAGE)
			return true;
		if (i == 0)
			return false;
	}
}

/* What a part is, and for a part inside the message the words of its own header; not those
 * of an attached text, which are as free as the text: most mail with such a part is good. */
static int add_part(struct extract *x, uint32_t index)
{
	const struct mr_msg *msg = x->view->msg;
	const struct mr_part *part = &msg->part[index];
	int err;

	add_build(x, "part-type", MR_SPAN(""), part->type);
	add_build(x, "part-subtype", part->type, part->subtype);
	add_build(x, "part-charset", MR_SPAN(""), part->charset);
	add_build(x, "part-encoding", MR_SPAN(""),
		  mr_span_str(part->encoding == MR_ENC_BASE64 ? "base64"
			      : part->encoding == MR_ENC_QP   ? "quoted-printable"
							      : "plain"));
	if (index == 0 || part->kind == MR_PART_MESSAGE ||
	    (mr_part_is(part, "text", NULL) && is_attached(msg, index)))
		return 0;
	for (uint32_t i = 0; i < part->field_count && i < 10; i++) {
		if ((err = add_field(x, &msg->field[part->field_first + i], SEED_PART)) < 0)
			return err;
	}
	return 0;
}

static int add_text(struct extract *x, const struct mr_part *part)
{
	size_t size_max =
		x->text_left < MR_SPAM_PART_SIZE_MAX ? x->text_left : MR_SPAM_PART_SIZE_MAX;
	struct mr_span text;
	int err;

	if ((err = mr_body_text(part, 2 * size_max, x->arena, &text)) < 0 ||
	    (err = lines_lf(&text, size_max, x->arena)) < 0)
		return err;
	x->text_left -= text.len;
	x->text.last = 0;
	if (mr_part_is(part, "text", "html"))
		return mr_spam_html_add(&x->text, text, x->arena);
	if ((err = mr_spam_fold(text, x->arena, &x->tricks, &text)) < 0)
		return err;
	mr_spam_words_add(&x->text, text);
	return mr_spam_url_find(x->f, text, &x->tricks, x->arena);
}

static bool has_html(const struct mr_msg *msg, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		if (msg->part[i].kind == MR_PART_LEAF &&
		    mr_part_is(&msg->part[i], "text", "html") && !is_attached(msg, i))
			return true;
	}
	return false;
}

/* The end of what index is the parent of, at most MR_SPAM_PARTS_MAX: the table is in pre-order. */
static uint32_t end_of(const struct mr_msg *msg, uint32_t index)
{
	uint32_t i = index + 1;

	while (i < msg->part_count && i < MR_SPAM_PARTS_MAX &&
	       msg->part[i].depth > msg->part[index].depth)
		i++;
	return i;
}

/*
 * RFC 2046 5.1.4: of a multipart/alternative a reader sees the last part that his program can show. A
 * text before HTML there is what nobody sees: it says what its sender wants filters to read.
 */
static bool is_unseen(const struct mr_msg *msg, uint32_t index)
{
	for (uint32_t i = index; i != 0; i = msg->part[i].parent) {
		uint32_t parent = msg->part[i].parent;

		if (mr_part_is(&msg->part[parent], "multipart", "alternative") &&
		    has_html(msg, end_of(msg, i), end_of(msg, parent)))
			return true;
	}
	return false;
}

/* A part's text, if it has one that is shown, or one that is not: as attached says. */
static int add_leaf(struct extract *x, uint32_t index, bool attached)
{
	const struct mr_msg *msg = x->view->msg;
	const struct mr_part *part = &msg->part[index];

	if (part->kind != MR_PART_LEAF || !mr_part_is(part, "text", NULL) ||
	    is_attached(msg, index) != attached)
		return 0;
	if (!attached && is_unseen(msg, index)) {
		x->unseen[x->unseen_count++] = part->body;
		return 0;
	}
	if (x->texts == MR_SPAM_TEXT_PARTS_MAX || x->text_left == 0)
		return 0;
	x->texts++;
	return add_text(x, part);
}

/*
 * What is shown first. Words of what is attached are as free as those of a text beside HTML, so they
 * count where nothing else has any; its links and tags do in any case, for they may be the bait.
 */
static int add_parts(struct extract *x)
{
	const struct mr_msg *msg = x->view->msg;
	int err;

	for (uint32_t i = 0; i < msg->part_count && i < MR_SPAM_PARTS_MAX; i++) {
		if ((err = add_part(x, i)) < 0 || (err = add_leaf(x, i, false)) < 0)
			return err;
	}
	x->text.silent = x->f->family[MR_SPAM_WORD].count > 0;
	for (uint32_t i = 0; i < msg->part_count && i < MR_SPAM_PARTS_MAX; i++) {
		if ((err = add_leaf(x, i, true)) < 0)
			return err;
	}
	return 0;
}

int mr_spam_extract(const struct mr_spam_view *view, struct mr_arena *arena,
		    struct mr_spam_features *f)
{
	struct extract x = {
		.view = view, .arena = arena, .f = f, .text_left = MR_SPAM_TEXT_SIZE_MAX
	};
	struct mr_span raw;
	int err;

	mr_spam_features_reset(f);
	x.text = (struct mr_spam_words){ .f = f,
					 .family = MR_SPAM_WORD,
					 .kind = "word",
					 .seed = SEED_TEXT,
					 .pairs = true,
					 .tricks = &x.tricks };
	if ((err = add_header(&x)) < 0 || (err = add_parts(&x)) < 0 ||
	    (err = mr_spam_view_raw(view, x.unseen, x.unseen_count, arena, &raw)) < 0)
		return err;
	mr_spam_tricks_add(&x.tricks, f);
	mr_spam_feature_grams(f, raw);
	return 0;
}

int mr_spam_extract_raw(struct mr_span raw, enum mr_spam_where where, struct mr_span upstream,
			struct mr_arena *arena, struct mr_spam_features *f,
			struct mr_spam_view *view_out)
{
	struct mr_msg *msg = mr_arena_alloc(arena, sizeof(*msg)); /* the view points to it */
	struct mr_spam_view view;
	int err;

	if (msg == NULL)
		return MR_ENOMEM;
	if ((err = mr_msg_parse(raw, &mr_msg_limits_default, arena, msg)) < 0 ||
	    (err = mr_spam_view_init(&view, msg, where, upstream, arena)) < 0 ||
	    (err = mr_spam_extract(&view, arena, f)) < 0)
		return err;
	*view_out = view;
	return 0;
}
