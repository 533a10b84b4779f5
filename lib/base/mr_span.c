#include "lib/base/mr_span.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"

struct mr_span mr_span_sub(struct mr_span s, size_t at, size_t len)
{
	if (at > s.len)
		at = s.len;
	if (len > s.len - at)
		len = s.len - at;
	return mr_span(at == 0 ? s.p : s.p + at, len);
}

bool mr_span_eq(struct mr_span a, struct mr_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int mr_span_cmp(struct mr_span a, struct mr_span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.p, b.p, shorter) : 0;

	if (order != 0 || a.len == b.len)
		return order;
	return a.len < b.len ? -1 : 1;
}

bool mr_span_has_prefix(struct mr_span s, struct mr_span prefix)
{
	return s.len >= prefix.len && mr_span_eq(mr_span(s.p, prefix.len), prefix);
}

bool mr_span_has_prefix_nocase(struct mr_span s, struct mr_span prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++) {
		if (mr_lower(s.p[i]) != mr_lower(prefix.p[i]))
			return false;
	}
	return true;
}

bool mr_span_among_nocase(struct mr_span s, const struct mr_span *others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (mr_span_eq_nocase(s, others[i]))
			return true;
	}
	return false;
}

bool mr_span_has_suffix_nocase(struct mr_span s, struct mr_span suffix)
{
	return s.len >= suffix.len &&
	       mr_span_eq_nocase(mr_span_sub(s, s.len - suffix.len, suffix.len), suffix);
}

bool mr_span_starts(struct mr_span s, unsigned classes)
{
	return s.len > 0 && mr_is(s.p[0], classes);
}

bool mr_span_only(struct mr_span s, unsigned classes)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!mr_is(s.p[i], classes))
			return false;
	}
	return true;
}

struct mr_span mr_span_ltrim(struct mr_span s)
{
	while (s.len > 0 && mr_is(s.p[0], MR_FWS)) {
		s.p++;
		s.len--;
	}
	return s;
}

struct mr_span mr_span_rtrim(struct mr_span s)
{
	while (s.len > 0 && mr_is(s.p[s.len - 1], MR_FWS))
		s.len--;
	return s;
}

struct mr_span mr_span_trim(struct mr_span s)
{
	return mr_span_ltrim(mr_span_rtrim(s));
}

size_t mr_span_find(struct mr_span s, char c)
{
	const char *at = s.len ? memchr(s.p, c, s.len) : NULL;

	return at ? (size_t)(at - s.p) : s.len;
}

size_t mr_span_rfind(struct mr_span s, char c)
{
	const char *at = s.len ? memrchr(s.p, c, s.len) : NULL;

	return at ? (size_t)(at - s.p) : s.len;
}

size_t mr_span_search(struct mr_span s, struct mr_span needle)
{
	const char *at = s.len ? memmem(s.p, s.len, needle.p, needle.len) : NULL;

	return at ? (size_t)(at - s.p) : s.len;
}

bool mr_span_split(struct mr_span s, char c, struct mr_span *head_out, struct mr_span *tail_out)
{
	size_t at = mr_span_find(s, c);

	*head_out = mr_span_sub(s, 0, at);
	*tail_out = mr_span_sub(s, at + 1, s.len);
	return at < s.len;
}

bool mr_span_within(struct mr_span s, struct mr_span outer)
{
	/* As integers: comparing pointers into different objects is undefined. */
	uintptr_t at = (uintptr_t)s.p, start = (uintptr_t)outer.p;

	return at >= start && at - start <= outer.len && s.len <= outer.len - (at - start);
}

int mr_span_u64(struct mr_span s, uint64_t max, uint64_t *value_out)
{
	uint64_t value = 0;
	bool over = false;

	if (s.len == 0)
		return MR_ESYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		if (!mr_is(s.p[i], MR_DIGIT))
			return MR_ESYNTAX;
		over = over || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		       __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value);
	}
	if (over || value > max)
		return MR_ELIMIT;
	*value_out = value;
	return 0;
}

int mr_span_copyz(struct mr_span s, char *dst, size_t size)
{
	MR_ASSERT(size > 0);
	dst[0] = '\0';
	if (s.len >= size)
		return MR_ELIMIT;
	if (mr_span_find(s, '\0') < s.len)
		return MR_EINVAL;
	if (s.len > 0)
		memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
	return 0;
}
