#include "lda/lmtpd/sorting.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_words.h"
#include "milters/spam/view.h"

#define MILTER_THRESHOLD 5000 /* its X-Spam-Flag says YES from here */
#define POINTS_SIZE      16 /* "-999.999" */
/*
 * spam_tag as encoded words. The first stands behind "X-Spam-Tag: ", on a line of at most 76 characters
 * (RFC 2047 2), so a word has 64; 12 go to its frame, one to a blank. A character, of up to four octets,
 * is never split (5), so at least four of them, or 13 octets, go into each of them but the last.
 */
#define WORD_TEXT_MAX 51
#define WORD_FRAME    16 /* "=?utf-8?q?", "?=", and a fold before it */
#define TAG_WORD_SIZE (3 * MR_SPAM_TAG_MAX + (MR_SPAM_TAG_MAX / 13 + 1) * WORD_FRAME + 2)
#define TEXT_MAX      65536 /* octets of a field that is written anew */

/* X-Spam-Score = [ "-" ] 1*3DIGIT "." 3DIGIT (docs/HEADERS.md), in thousandths. */
static int points_read(struct mr_span value)
{
	bool minus = mr_span_has_prefix(value, MR_SPAN("-"));
	struct mr_span whole, part;
	uint64_t points, rest;

	if (!mr_span_split(mr_span_sub(value, minus, value.len), '.', &whole, &part) ||
	    part.len != 3 || mr_span_u64(whole, 999, &points) < 0 ||
	    mr_span_u64(part, 999, &rest) < 0)
		return MR_POINTS_NONE;
	return (int)(points * 1000 + rest) * (minus ? -1 : 1);
}

static void points_text(int points, char out[POINTS_SIZE])
{
	snprintf(out, POINTS_SIZE, "%s%d.%03d", points < 0 ? "-" : "", abs(points) / 1000,
		 abs(points) % 1000);
}

/* -- the decision ----------------------------------------------------------------------------- */

static bool is_ours(const struct mr_content *c)
{
	struct mr_span mark = MR_SPAN(MR_SPAM_MARK);

	return c->flag.size > 0 && c->score.size > 0 &&
	       mr_span_search(c->status.value, mark) < c->status.value.len;
}

static int content_for_judge(void *arg, struct mr_span *content_out)
{
	return mr_content_whole(arg, content_out);
}

/* The subject, read as people read it, begins with the tag. Out of memory: it does not, and at the worst
 * has it twice. */
static bool has_tag(struct mr_lmtp_mail *mail, struct mr_span tag)
{
	const struct mr_content *c = mail->memo;
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	struct mr_span text;

	return arena &&
	       mr_words_decode(c->subject.value, MR_CONTENT_SUBJECT_MAX, arena, &text) == 0 &&
	       mr_span_has_prefix(text, tag);
}

const char *mr_reason_name(enum mr_reason reason)
{
	static const char *const names[] = {
		[MR_REASON_UNSCORED] = "unscored", [MR_REASON_FLAG] = "flag",
		[MR_REASON_SCORE] = "score",       [MR_REASON_THRESHOLD] = "threshold",
		[MR_REASON_LESSONS] = "lessons",   [MR_REASON_FRIEND] = "friend",
		[MR_REASON_BLOCK] = "block",
	};

	return names[reason];
}

/* Which of the things that go into a score has turned it. */
static enum mr_reason reason_of(const struct mr_sorting *s, const struct mr_content *c)
{
	if (!s->scored)
		return c->flag.size > 0 ? MR_REASON_FLAG : MR_REASON_UNSCORED;
	if ((s->score >= s->threshold) != (s->shared >= s->threshold))
		return MR_REASON_LESSONS;
	if ((s->shared >= s->threshold) != (s->shared >= MILTER_THRESHOLD))
		return MR_REASON_THRESHOLD;
	return MR_REASON_SCORE;
}

void mr_sort(struct mr_lmtp_mail *mail, const struct mr_user_settings *settings,
	     struct mr_span local, struct mr_span domain, struct mr_judge *judge,
	     enum mr_sender_action says, struct mr_sorting *sorting_out)
{
	struct mr_content *c = mail->memo;
	struct mr_sorting s = { .spam = c->spam,
				.score = MR_POINTS_NONE,
				.shared = MR_POINTS_NONE,
				.threshold = settings->spam_threshold };
	int points, judged = 0;

	if (is_ours(c))
		s.score = s.shared = points_read(c->score.value);
	s.scored = s.shared != MR_POINTS_NONE;
	if (s.scored && judge)
		judged = mr_judge_score(judge, mail->set, &c->judged, local, domain,
					content_for_judge, mail, &points);
	if (judged > 0)
		s.score = points;
	if (s.scored)
		s.spam = s.score >= s.threshold;
	s.reason = reason_of(&s, c);
	if (says != MR_SENDER_NONE) {
		s.spam = says != MR_SENDER_FRIEND;
		s.reason = s.spam ? MR_REASON_BLOCK : MR_REASON_FRIEND;
	}
	s.filed = s.spam && (settings->spam == MR_SPAM_PLACE_FOLDER ||
			     (says != MR_SENDER_NONE && settings->spam == MR_SPAM_PLACE_INBOX));
	s.tagged =
		s.spam && settings->spam == MR_SPAM_PLACE_TAG && !has_tag(mail, settings->spam_tag);
	*sorting_out = s;
}

/* -- the copy --------------------------------------------------------------------------------- */

/* At an octet of the content, so many are left out, and others come in their place. */
struct edit {
	size_t at, len;
	void (*put)(const struct edit *edit, struct mr_buf *out);
	const struct mr_content *content;
	const struct mr_sorting *sorting;
	struct mr_span tag; /* as it stands in a field */
};

static void put_flag(const struct edit *e, struct mr_buf *out)
{
	(void)mr_buf_printf(out, "X-Spam-Flag: %s\n", e->sorting->spam ? "YES" : "NO");
}

static void put_score(const struct edit *e, struct mr_buf *out)
{
	char points[POINTS_SIZE];

	points_text(e->sorting->score, points);
	(void)mr_buf_printf(out, "X-Spam-Score: %s\n", points);
}

/* What the milter gave as its reasons stays; what his lessons changed is one more of them. */
static void put_status(const struct edit *e, struct mr_buf *out)
{
	const struct mr_sorting *s = e->sorting;
	struct mr_span value = e->content->status.value, mark = MR_SPAN(MR_SPAM_MARK);
	char score[POINTS_SIZE], threshold[POINTS_SIZE], shared[POINTS_SIZE];

	points_text(s->score, score);
	points_text(s->threshold, threshold);
	points_text(s->shared, shared);
	(void)mr_buf_printf(out, "X-Spam-Status: %s, score=%s required=%s " MR_SPAM_MARK,
			    s->spam ? "Yes" : "No", score, threshold);
	if (s->score != s->shared)
		(void)mr_buf_printf(out, " shared=%s", shared);
	(void)mr_buf_add(out,
			 mr_span_sub(value, mr_span_search(value, mark) + mark.len, value.len));
	if (s->score != s->shared)
		(void)mr_buf_printf(out, ",\n\tlessons %+.1f", (s->score - s->shared) / 1000.0);
	(void)mr_buf_adds(out, "\n");
}

/* Above all: what view.h takes out of the subject again; and above that, where there is no subject, one. */
static void put_tag(const struct edit *e, struct mr_buf *out)
{
	if (e->content->subject.size == 0) {
		(void)mr_buf_adds(out, "Subject: ");
		(void)mr_buf_add(out, e->tag);
		(void)mr_buf_adds(out, "\n");
	}
	(void)mr_buf_adds(out, "X-Spam-Tag: ");
	(void)mr_buf_add(out, e->tag);
	(void)mr_buf_adds(out, "\n");
}

static void put_subject(const struct edit *e, struct mr_buf *out)
{
	(void)mr_buf_adds(out, " ");
	(void)mr_buf_add(out, e->tag);
	if (!e->content->subject.blank)
		(void)mr_buf_adds(out, " ");
}

/* A character of valid UTF-8, from its first octet on. Returns how many octets of text it is. */
static int put_char(struct mr_span *rest, char out[3 * 4 + 1])
{
	size_t n = 1;
	int len = 0;

	while (n < rest->len && n < 4 && ((uint8_t)rest->p[n] & 0xC0) == 0x80)
		n++;
	for (size_t i = 0; i < n; i++) {
		if (mr_is(rest->p[i], MR_ALNUM))
			out[len++] = rest->p[i];
		else
			len += snprintf(out + len, 4, "=%02X", (uint8_t)rest->p[i]);
	}
	*rest = mr_span_sub(*rest, n, rest->len);
	return len;
}

/*
 * The tag as a field may hold it: ASCII as it is, else encoded words (RFC 2047 4.2), each on a line of
 * its own. Blanks between two encoded words are not shown (6.2), so before another one it has its blank
 * inside.
 */
static struct mr_span tag_in_field(struct mr_span tag, bool before_word, char out[TAG_WORD_SIZE])
{
	char text[3 * 4 + 1];
	int len, used = 0;

	if (mr_span_only(tag, (unsigned)~MR_HIGH))
		return tag;
	len = snprintf(out, TAG_WORD_SIZE, "=?utf-8?q?");
	while (tag.len > 0) {
		int n = put_char(&tag, text);

		if (used + n > WORD_TEXT_MAX) {
			len += snprintf(out + len, WORD_FRAME, "?=\n =?utf-8?q?");
			used = 0;
		}
		memcpy(out + len, text, (size_t)n);
		len += n;
		used += n;
	}
	len += snprintf(out + len, 4, "%s?=", before_word ? "_" : "");
	return mr_span(out, (size_t)len);
}

/* Sorted by where they stand; edits[] has room for all. Returns how many. */
static size_t edits_make(const struct mr_content *c, const struct mr_sorting *s, struct mr_span tag,
			 struct edit *edits)
{
	const struct edit of = { .content = c, .sorting = s, .tag = tag };
	struct edit all[] = { of, of, of, of, of };
	size_t count = 0;
	bool anew = s->scored && (s->spam != c->spam || s->score != s->shared ||
				  s->threshold != MILTER_THRESHOLD);

	all[0].put = s->tagged ? put_tag : NULL;
	all[1].put = anew ? put_flag : NULL;
	all[1].at = c->flag.at;
	all[1].len = c->flag.size;
	all[2].put = anew ? put_score : NULL;
	all[2].at = c->score.at;
	all[2].len = c->score.size;
	all[3].put = anew ? put_status : NULL;
	all[3].at = c->status.at;
	all[3].len = c->status.size;
	all[4].put = s->tagged && c->subject.size > 0 ? put_subject : NULL;
	all[4].at = c->subject.value_at;
	for (size_t i = 0; i < MR_COUNT(all); i++) {
		size_t to = count;

		if (!all[i].put)
			continue;
		for (; to > 0 && edits[to - 1].at > all[i].at; to--)
			edits[to] = edits[to - 1];
		edits[to] = all[i];
		count++;
	}
	return count;
}

#define EDITS_MAX (MR_HEAD_FOREIGN_MAX + 5)

static void put_nothing(const struct edit *e MR_UNUSED, struct mr_buf *out MR_UNUSED)
{
}

/* Whatever claims to be ours. */
static size_t foreign_add(const struct mr_content *c, size_t count, struct edit *edits)
{
	for (size_t i = 0; c->foreign && i < c->foreign_count; i++) {
		const struct edit gone = { .at = c->foreign[i].at,
					   .len = c->foreign[i].size,
					   .put = put_nothing };
		size_t to = count++;

		for (; to > 0 && edits[to - 1].at > gone.at; to--)
			edits[to] = edits[to - 1];
		edits[to] = gone;
	}
	return count;
}

int mr_sort_copy(const struct mr_lmtp_mail *mail, const struct mr_user_settings *settings,
		 const struct mr_sorting *sorting, struct mr_maildir_file *file)
{
	const struct mr_content *c = mail->memo;
	char word[TAG_WORD_SIZE];
	struct mr_span tag =
		tag_in_field(settings->spam_tag, mr_words_len(c->subject.value) > 0, word);
	struct edit edits[EDITS_MAX];
	size_t at = 0, count = foreign_add(c, edits_make(c, sorting, tag, edits), edits);
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX);
	int err = 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		mr_buf_reset(&text);
		edits[i].put(&edits[i], &text);
		if ((err = mr_buf_err(&text)) < 0 ||
		    (err = mr_content_copy(mail, at, edits[i].at, file)) < 0)
			break;
		err = mr_maildir_write(file, mr_buf_span(&text));
		at = edits[i].at + edits[i].len;
	}
	return err < 0 ? err : mr_content_copy(mail, at, mr_content_size(mail), file);
}
