/* The parser row: GMime 3.2. The message is a memory stream that the parser may keep, so that bodies
 * are not copied; bodies without an encoding are not read, only measured. */
#include <gmime/gmime.h>
#include <string.h>

#include "tests/bench/parser/work.h"

static GMimeParserOptions *options;

void work_init(void)
{
	g_mime_init();
	options = g_mime_parser_options_new();
}

static void text(struct work *w, const char *label, const char *s)
{
	work_text(w, label, s ? s : "", s ? strlen(s) : 0);
}

static void word(struct work *w, const char *label, const char *s)
{
	work_word(w, label, s ? s : "", s ? strlen(s) : 0);
}

static void header(struct work *w, GMimeMessage *message, const char *name)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(message));
	GMimeHeader *field = g_mime_header_list_get_header(list, name);
	char *unfolded = NULL, *decoded = NULL;

	if (field) {
		unfolded = g_mime_utils_header_unfold(g_mime_header_get_raw_value(field));
		decoded = g_mime_utils_header_decode_text(options, unfolded);
	}
	text(w, name, decoded);
	g_free(decoded);
	g_free(unfolded);
}

static uint64_t decoded_len(GMimeStream *stream, GMimeContentEncoding encoding)
{
	char in[4096], out[8192];
	GMimeEncoding state;
	uint64_t total = 0;
	ssize_t got;

	g_mime_encoding_init_decode(&state, encoding);
	g_mime_stream_reset(stream);
	while ((got = g_mime_stream_read(stream, in, sizeof(in))) > 0)
		total += g_mime_encoding_step(&state, in, (size_t)got, out);
	return total + g_mime_encoding_flush(&state, "", 0, out);
}

static void leaf(struct work *w, GMimePart *part)
{
	static const enum work_encoding map[] = {
		[GMIME_CONTENT_ENCODING_DEFAULT] = WORK_78BIT,
		[GMIME_CONTENT_ENCODING_7BIT] = WORK_78BIT,
		[GMIME_CONTENT_ENCODING_8BIT] = WORK_78BIT,
		[GMIME_CONTENT_ENCODING_BINARY] = WORK_BINARY,
		[GMIME_CONTENT_ENCODING_BASE64] = WORK_BASE64,
		[GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE] = WORK_QP,
		[GMIME_CONTENT_ENCODING_UUENCODE] = WORK_OTHER,
	};
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	enum work_encoding encoding = map[g_mime_part_get_content_encoding(part)];
	uint64_t len = 0;

	if (stream && (encoding == WORK_QP || encoding == WORK_BASE64))
		len = decoded_len(stream, g_mime_part_get_content_encoding(part));
	else if (stream)
		len = (uint64_t)g_mime_stream_length(stream);
	word(w, "charset", g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset"));
	work_number(w, "encoding", encoding);
	text(w, "name", g_mime_part_get_filename(part));
	work_number(w, "len", len);
}

static void part_show(struct work *w, GMimeObject *part, unsigned depth)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);

	work_part(w, depth);
	word(w, "type", g_mime_content_type_get_media_type(type));
	word(w, "subtype", g_mime_content_type_get_media_subtype(type));
	if (GMIME_IS_MULTIPART(part)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(part);
		int count = g_mime_multipart_get_count(multipart);

		for (int i = 0; i < count; i++)
			part_show(w, g_mime_multipart_get_part(multipart, i), depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(part)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));

		if (message && g_mime_message_get_mime_part(message))
			part_show(w, g_mime_message_get_mime_part(message), depth + 1);
	} else if (GMIME_IS_PART(part)) {
		leaf(w, GMIME_PART(part));
	}
}

void work_message(struct work *w, const char *raw, size_t len)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeParser *parser;
	GMimeMessage *message;
	GByteArray bytes = { (guint8 *)(uintptr_t)raw, (guint)len };

	/* Lent, not copied; the stream does not own it. */
	g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), &bytes);
	parser = g_mime_parser_new_with_stream(stream);
	message = g_mime_parser_construct_message(parser, options);
	if (message) {
		header(w, message, "Subject");
		header(w, message, "From");
		header(w, message, "To");
		if (g_mime_message_get_mime_part(message))
			part_show(w, g_mime_message_get_mime_part(message), 0);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}
