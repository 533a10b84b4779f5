#include "lib/mail/mr_cfws.h"

bool mr_cfws_comment(struct mr_cur *c, struct mr_span *content_out)
{
	struct mr_cur at = *c;
	size_t depth = 1;

	if (!mr_cur_byte(&at, '('))
		return false;
	for (; at.p < at.end && depth > 0; mr_cur_skip(&at, 1)) {
		if (*at.p == '\\') /* RFC 5322 3.2.1: quoted-pair */
			mr_cur_skip(&at, 1);
		else if (*at.p == '(')
			depth++;
		else if (*at.p == ')')
			depth--;
	}
	if (depth > 0)
		return false;
	if (content_out)
		*content_out = mr_span(c->p + 1, (size_t)(at.p - c->p) - 2);
	*c = at;
	return true;
}

struct mr_cur *mr_cfws(struct mr_cur *c)
{
	while (mr_cfws_comment(mr_cur_fws(c), NULL))
		;
	return c;
}
