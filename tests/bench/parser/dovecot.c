/*
 * The parser row: Dovecot's message parser and decoders, from libdovecot (dovecot-dev). Of a header
 * only what the work needs is handed to its parsers. Bodies come in blocks; what is decoded goes to
 * a buffer that is emptied at once, so that only its length is kept.
 */
#include "config.h"
#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "istream.h"
#include "base64.h"
#include "qp-decoder.h"
#include "message-parser.h"
#include "message-part-data.h"
#include "message-decoder.h"
#include "message-header-decode.h"

#include <stdlib.h>

#include "tests/bench/parser/work.h"

/* What is known of a part while it is read; hangs at part->context. */
struct seen {
	uint64_t len;
	enum message_cte cte;
	bool base64_ended;
	struct base64_decoder base64;
};

struct reader {
	pool_t pool;
	struct qp_decoder *qp;
	buffer_t *decoded;
	struct message_part_data_limits limits;
	string_t *subject, *from, *to;
	struct message_part *open; /* whose body is being read */
};

static pool_t pool;
static buffer_t *decoded;
static string_t *fields[3];

void work_init(void)
{
	lib_init();
	pool = pool_alloconly_create("message", 64 * 1024);
	decoded = buffer_create_dynamic(default_pool, 64 * 1024);
	for (int i = 0; i < 3; i++)
		fields[i] = str_new(default_pool, 1024);
}

static struct seen *seen_of(struct reader *r, struct message_part *part)
{
	if (!part->context) {
		struct seen *seen = p_new(r->pool, struct seen, 1);

		seen->cte = MESSAGE_CTE_78BIT;
		part->context = seen;
	}
	return part->context;
}

static void header_line(struct reader *r, struct message_part *part,
			struct message_header_line *hdr)
{
	string_t *out = NULL;
	bool content = strncasecmp(hdr->name, "Content-", 8) == 0;

	if (!part->parent && strcasecmp(hdr->name, "Subject") == 0)
		out = r->subject;
	else if (!part->parent && strcasecmp(hdr->name, "From") == 0)
		out = r->from;
	else if (!part->parent && strcasecmp(hdr->name, "To") == 0)
		out = r->to;
	if (!content && !out)
		return;
	if (hdr->continues) {
		hdr->use_full_value = TRUE;
		return;
	}
	if (out && str_len(out) == 0)
		message_header_decode_utf8(hdr->full_value, hdr->full_value_len, out, NULL);
	if (!content)
		return;
	if (strcasecmp(hdr->name, "Content-Transfer-Encoding") == 0)
		seen_of(r, part)->cte = message_decoder_parse_cte(hdr);
	else
		message_part_data_parse_from_header(r->pool, part, &r->limits, hdr);
}

/* The end of a part's body: what its decoder still holds. */
static void body_end(struct reader *r)
{
	struct seen *seen = r->open ? seen_of(r, r->open) : NULL;
	const char *error;

	r->open = NULL;
	if (!seen || seen->cte != MESSAGE_CTE_QP)
		return;
	buffer_set_used_size(r->decoded, 0);
	(void)qp_decoder_finish(r->qp, &error);
	seen->len += r->decoded->used;
}

/* Its decoder writes CR LF for LF, the others leave line endings as they are: how often it did so. */
static uint64_t lf_converted(const unsigned char *data, size_t size)
{
	const unsigned char *p = data, *end = data + size;
	uint64_t count = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
		const unsigned char *last = p;

		if (last > data && last[-1] == '\r')
			continue;
		while (last > data && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		count += last == data || last[-1] != '=';
	}
	return count;
}

static void body_block(struct reader *r, struct message_part *part, const unsigned char *data,
		       size_t size)
{
	struct seen *seen = seen_of(r, part);
	const char *error;
	size_t at;

	if (r->open != part) {
		body_end(r);
		r->open = part;
		if (seen->cte == MESSAGE_CTE_BASE64)
			base64_decode_init(&seen->base64, &base64_scheme, 0);
	}
	buffer_set_used_size(r->decoded, 0);
	switch (seen->cte) {
	case MESSAGE_CTE_QP:
		(void)qp_decoder_more(r->qp, data, size, &at, &error);
		seen->len += r->decoded->used - lf_converted(data, size);
		break;
	case MESSAGE_CTE_BASE64:
		if (seen->base64_ended || base64_decode_is_finished(&seen->base64))
			break;
		if (base64_decode_more(&seen->base64, data, size, &at, r->decoded) < 0)
			seen->base64_ended = true;
		seen->len += r->decoded->used;
		break;
	default:
		seen->len += size;
	}
}

static void word(struct work *w, const char *label, const char *s)
{
	work_word(w, label, s ? s : "", s ? strlen(s) : 0);
}

static const char *type_param(const struct message_part_data *data, const char *name)
{
	for (unsigned i = 0; i < data->content_type_params_count; i++) {
		if (strcasecmp(data->content_type_params[i].name, name) == 0)
			return data->content_type_params[i].value;
	}
	return NULL;
}

static void leaf(struct work *w, const struct message_part_data *data, const struct seen *seen,
		 const struct message_part *part)
{
	static const enum work_encoding map[] = {
		[MESSAGE_CTE_UNKNOWN] = WORK_OTHER, [MESSAGE_CTE_78BIT] = WORK_78BIT,
		[MESSAGE_CTE_BINARY] = WORK_BINARY, [MESSAGE_CTE_QP] = WORK_QP,
		[MESSAGE_CTE_BASE64] = WORK_BASE64,
	};
	const char *filename = NULL;
	string_t *name = t_str_new(64);

	word(w, "charset", type_param(data, "charset"));
	work_number(w, "encoding", map[seen->cte]);
	if (!part->data || !message_part_data_get_filename(part, &filename))
		filename = type_param(data, "name");
	if (filename)
		message_header_decode_utf8((const unsigned char *)filename, strlen(filename), name,
					   NULL);
	work_text(w, "name", str_c(name), str_len(name));
	work_number(w, "len", seen->len);
}

static void tree(struct work *w, struct reader *r, struct message_part *part, unsigned depth)
{
	static const struct message_part_data nothing;

	for (; part; part = part->next) {
		const struct message_part_data *data = part->data ? part->data : &nothing;
		bool digest = !data->content_type && part->parent &&
			      (part->parent->flags & MESSAGE_PART_FLAG_MULTIPART_DIGEST);

		work_part(w, depth);
		word(w, "type",
		     data->content_type ? data->content_type
		     : digest           ? "message"
					: "text");
		word(w, "subtype",
		     data->content_type ? data->content_subtype
		     : digest           ? "rfc822"
					: "plain");
		if (part->flags & (MESSAGE_PART_FLAG_MULTIPART | MESSAGE_PART_FLAG_MESSAGE_RFC822))
			tree(w, r, part->children, depth + 1);
		else
			leaf(w, data, seen_of(r, part), part);
	}
}

static void parse(struct work *w, const char *raw, size_t len)
{
	static const struct message_part_data_limits limits = {
		MESSAGE_PART_DATA_MAX_TOTAL_ADDRESSES, MESSAGE_PART_DATA_MAX_TOTAL_LANGUAGE_TAGS,
		MESSAGE_PART_DATA_MAX_TOTAL_MIME_PARAMS
	};
	const struct message_parser_settings settings = {
		.hdr_flags = MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP |
			     MESSAGE_HEADER_PARSER_FLAG_DROP_CR,
	};
	struct reader r = { .pool = pool,
			    .decoded = decoded,
			    .limits = limits,
			    .subject = fields[0],
			    .from = fields[1],
			    .to = fields[2] };
	struct istream *input = i_stream_create_from_data(raw, len);
	struct message_parser_ctx *ctx = message_parser_init(pool, input, &settings);
	struct message_part *parts;
	struct message_block block;

	r.qp = qp_decoder_init(decoded);
	for (int i = 0; i < 3; i++)
		str_truncate(fields[i], 0);
	while (message_parser_parse_next_block(ctx, &block) > 0) {
		if (block.hdr)
			header_line(&r, block.part, block.hdr);
		else if (block.size > 0)
			body_block(&r, block.part, block.data, block.size);
	}
	body_end(&r);
	message_parser_deinit(&ctx, &parts);
	i_stream_unref(&input);
	qp_decoder_deinit(&r.qp);
	work_text(w, "Subject", str_c(r.subject), str_len(r.subject));
	work_text(w, "From", str_c(r.from), str_len(r.from));
	work_text(w, "To", str_c(r.to), str_len(r.to));
	tree(w, &r, parts, 0);
	p_clear(pool);
}

void work_message(struct work *w, const char *raw, size_t len)
{
	T_BEGIN
	{
		parse(w, raw, len);
	}
	T_END;
}
