#include "lib/run/mr_scrape.h"

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define BODY_MAX 1048576

static int answer(struct mr_buf *out, const char *status, const char *type, struct mr_span body,
		  bool head)
{
	mr_buf_printf(out,
		      "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		      "Connection: close\r\n\r\n",
		      status, type, body.len);
	if (!head)
		mr_buf_add(out, body);
	return mr_buf_err(out) < 0 ? mr_buf_err(out) : 1;
}

static int refuse(struct mr_buf *out, const char *status)
{
	MR_AUTO_BUF body = MR_BUF(100);

	mr_buf_printf(&body, "%s\n", status);
	return answer(out, status, "text/plain", mr_buf_span(&body), false);
}

/* The empty line that ends the fields has come (RFC 9112 2.2: a bare LF may end a line). */
static bool is_whole(struct mr_span request)
{
	return mr_span_search(request, MR_SPAN("\n\r\n")) < request.len ||
	       mr_span_search(request, MR_SPAN("\n\n")) < request.len;
}

/* RFC 9112 3: request-line = method SP request-target SP HTTP-version */
int mr_scrape(struct mr_span request, const struct mr_metrics *m, struct mr_buf *out)
{
	struct mr_cur c = mr_cur(request);
	struct mr_span line, method, target, version;
	MR_AUTO_BUF body = MR_BUF(BODY_MAX);
	bool head;
	int err;

	if (!is_whole(request))
		return request.len < MR_SCRAPE_REQUEST_MAX
			       ? 0
			       : refuse(out, "431 Request Header Fields Too Large");
	if (!mr_cur_line(&c, &line) || !mr_span_split(line, ' ', &method, &target) ||
	    !mr_span_split(target, ' ', &target, &version) ||
	    !mr_span_has_prefix(version, MR_SPAN("HTTP/1.")))
		return refuse(out, "400 Bad Request");
	head = mr_span_eq(method, MR_SPAN("HEAD"));
	if (!head && !mr_span_eq(method, MR_SPAN("GET")))
		return refuse(out, "405 Method Not Allowed");
	mr_span_split(target, '?', &target, &version);
	if (!mr_span_eq(target, MR_SPAN("/metrics")))
		return refuse(out, "404 Not Found");
	if ((err = mr_metrics_text(m, &body)) < 0)
		return err;
	return answer(out, "200 OK", "text/plain; version=0.0.4; charset=utf-8", mr_buf_span(&body),
		      head);
}
