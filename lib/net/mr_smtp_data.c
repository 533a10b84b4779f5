/* The content of DATA, in and out: state machines over pieces of any size. */
#include "lib/base/mr_err.h"
#include "lib/net/mr_smtp.h"

/* Where the next octet stands. */
enum { AT_START, IN_LINE, AFTER_CR, AFTER_DOT, AFTER_DOT_CR, ENDED };

/* Within a line: all up to the LF of a CR LF is content, and so is that. */
static size_t line_take(struct mr_smtp_data *data, struct mr_span in)
{
	size_t at = 0;

	while (at < in.len) {
		struct mr_span rest = mr_span_sub(in, at, in.len);
		size_t lf = mr_span_find(rest, '\n');
		bool cr = lf > 0 ? rest.p[lf - 1] == '\r' : at == 0 && data->state == AFTER_CR;

		if (lf == rest.len) {
			data->state = cr ? AFTER_CR : IN_LINE;
			return in.len;
		}
		at += lf + 1;
		if (cr) {
			data->state = AT_START;
			return at;
		}
		data->state = IN_LINE; /* a bare LF is content */
	}
	return at;
}

size_t mr_smtp_data_next(struct mr_smtp_data *data, struct mr_span in, struct mr_span *content_out)
{
	size_t n;

	*content_out = mr_span_sub(in, 0, 0);
	if (in.len == 0 || data->state == ENDED)
		return 0;
	switch (data->state) {
	case AT_START:
		if (in.p[0] == '.') { /* RFC 5321 4.5.2: goes, whatever follows */
			data->state = AFTER_DOT;
			return 1;
		}
		break;
	case AFTER_DOT:
		if (in.p[0] == '\r') {
			data->state = AFTER_DOT_CR;
			return 1;
		}
		break;
	case AFTER_DOT_CR:
		if (in.p[0] == '\n') {
			data->state = ENDED;
			return 1;
		}
		/* The CR was content after all, and another may follow it. */
		*content_out = MR_SPAN("\r");
		data->state = AFTER_CR;
		return 0;
	default:
		break;
	}
	n = line_take(data, in);
	*content_out = mr_span_sub(in, 0, n);
	return n;
}

bool mr_smtp_data_ended(const struct mr_smtp_data *data)
{
	return data->state == ENDED;
}

int mr_smtp_lf_add(struct mr_smtp_lf *lf, struct mr_span in, struct mr_buf *out)
{
	int err = 0;

	if (lf->cr && in.len > 0) {
		lf->cr = false;
		if (in.p[0] != '\n')
			err = mr_buf_addc(out, '\r');
	}
	while (err == 0 && in.len > 0) {
		size_t cr = mr_span_find(in, '\r');

		err = mr_buf_add(out, mr_span_sub(in, 0, cr));
		if (cr == in.len)
			break;
		if (cr + 1 == in.len)
			lf->cr = true;
		else if (err == 0 && in.p[cr + 1] != '\n')
			err = mr_buf_addc(out, '\r');
		in = mr_span_sub(in, cr + 1, in.len);
	}
	return err;
}

int mr_smtp_lf_end(struct mr_smtp_lf *lf, struct mr_buf *out)
{
	bool cr = lf->cr;

	lf->cr = false;
	return cr ? mr_buf_addc(out, '\r') : 0;
}

int mr_smtp_stuff_add(struct mr_smtp_stuff *stuff, struct mr_span in, struct mr_buf *out)
{
	int err = 0;

	while (err == 0 && in.len > 0) {
		size_t lf = mr_span_find(in, '\n');
		struct mr_span line = mr_span_sub(in, 0, lf);

		if (!stuff->inside && in.p[0] == '.')
			err = mr_buf_addc(out, '.');
		if (err == 0)
			err = mr_buf_add(out, line);
		if (line.len > 0)
			stuff->cr = line.p[line.len - 1] == '\r';
		stuff->inside = true;
		if (lf == in.len)
			break;
		if (err == 0)
			err = mr_buf_adds(out, stuff->cr ? "\n" : "\r\n");
		stuff->inside = stuff->cr = false;
		in = mr_span_sub(in, lf + 1, in.len);
	}
	return err;
}

int mr_smtp_stuff_end(struct mr_smtp_stuff *stuff, struct mr_buf *out)
{
	int err = 0;

	if (stuff->inside)
		err = mr_buf_adds(out, "\r\n");
	stuff->inside = stuff->cr = false;
	return err < 0 ? err : mr_buf_adds(out, ".\r\n");
}
