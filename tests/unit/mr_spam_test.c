#include "tests/unit/mr_spam_test.h"

#include "lib/base/mr_io.h"
#include "milters/spam/html.h"

#define ARENA_MAX ((size_t)16 << 20)
#define TEXT_MAX  10000

bool mr_spam_test_init(struct mr_t *t, struct mr_spam_test *s, size_t row, const char *text)
{
	*s = (struct mr_spam_test){ .in = mr_test_exact(t, row, text),
				    .arena = mr_arena_new(ARENA_MAX),
				    .f = mr_spam_features_new(NULL) };
	mr_buf_init(&s->text, TEXT_MAX);
	return mr_check(t, s->in && s->arena && s->f, "memory", __FILE__, __LINE__);
}

void mr_spam_test_done(struct mr_spam_test *s)
{
	mr_buf_done(&s->text);
	mr_spam_features_free(s->f);
	mr_arena_free(s->arena);
	mr_block_free(s->in);
}

bool mr_spam_test_message(struct mr_t *t, struct mr_spam_test *s)
{
	int err = mr_spam_extract_raw(mr_block_span(s->in), MR_SPAM_ARRIVING, MR_SPAN(""), s->arena,
				      s->f, &s->view);

	MR_CHECK_INT(t, 0, err);
	return err == 0;
}

bool mr_spam_test_html(struct mr_t *t, struct mr_spam_test *s)
{
	struct mr_spam_words w = {
		.f = s->f, .family = MR_SPAM_WORD, .kind = "word", .tricks = &s->tricks
	};
	int err = mr_spam_html_add(&w, mr_block_span(s->in), s->arena);

	MR_CHECK_INT(t, 0, err);
	return err == 0;
}

struct mr_span mr_spam_test_list(const struct mr_spam_features *f, enum mr_spam_family family,
				 struct mr_buf *out)
{
	const struct mr_spam_list *l = &f->family[family];

	mr_buf_reset(out);
	for (uint32_t i = 0; i < l->count; i++) {
		mr_buf_adds(out, l->origin[i].kind);
		mr_buf_addc(out, ':');
		mr_buf_add(out, l->origin[i].text);
		mr_buf_addc(out, ' ');
	}
	return mr_buf_span(out);
}

struct mr_span mr_spam_test_words(struct mr_spam_test *s)
{
	const struct mr_spam_list *l = &s->f->family[MR_SPAM_WORD];

	mr_buf_reset(&s->text);
	for (uint32_t i = 0; i < l->count; i++) {
		if (strcmp(l->origin[i].kind, "word") != 0)
			continue;
		if (i > 0)
			mr_buf_addc(&s->text, ' ');
		mr_buf_add(&s->text, l->origin[i].text);
	}
	return mr_buf_span(&s->text);
}

int mr_spam_test_model(const char *path, double points)
{
	static const int16_t both[2 << MR_SPAM_TABLE_BITS_MIN];
	struct mr_spam_model m = { .bits = { MR_SPAM_TABLE_BITS_MIN, MR_SPAM_TABLE_BITS_MIN },
				   .threshold = 5.0,
				   .bias = { points, 0 } };
	MR_AUTO_BUF bytes = MR_BUF(1 << 20);
	int err;

	m.weight[0] = both;
	m.weight[1] = both + (1 << MR_SPAM_TABLE_BITS_MIN);
	if ((err = mr_spam_model_write(&m, &bytes)) < 0)
		return err;
	return mr_replace_file(path, mr_buf_span(&bytes), 0600);
}
