#include "tools/setting.h"

#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_user_settings.h"

#define SHOW_SIZE_MAX 262144 /* bytes: texts, as JSON escapes them */

int setting_set(struct mr_store *store, const struct owner *owner, const char *name,
		const char *value)
{
	struct mr_span key = mr_span_str(name), text = mr_span_str(value);
	bool unset = strcmp(value, "--unset") == 0;
	const char *why;
	int err = mr_user_setting_check(key, text, &why);

	if (err == MR_ENOENT) {
		fprintf(stderr, "millrace: no such setting: %s: %s\n", name, why);
		return CLI_FAILED;
	}
	if (owner->local.len > 0 && mr_user_setting_is_shared(key)) {
		fprintf(stderr, "millrace: %s is of a domain, not of a user\n", name);
		return CLI_FAILED;
	}
	if (owner->local.len == 0 && mr_user_setting_is_own(key)) {
		fprintf(stderr, "millrace: %s is of a user, not of a domain or of all\n", name);
		return CLI_FAILED;
	}
	if (err < 0 && !unset) {
		fprintf(stderr, "millrace: %s cannot be \"%s\": %s\n", name, value, why);
		return CLI_FAILED;
	}
	err = mr_store_setting_set(store, owner->local, owner->domain, key,
				   unset ? MR_SPAN("") : text);
	return err < 0 ? cli_complain(err, "cannot set", name) : CLI_OK;
}

static int show_json(const struct mr_user_settings *s)
{
	MR_AUTO_BUF out = MR_BUF(SHOW_SIZE_MAX);
	struct mr_json json;

	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	for (unsigned i = 0; i < MR_USER_SETTINGS; i++) {
		mr_json_open(&json, NULL, '{');
		mr_json_str(&json, "name", mr_span_str(mr_user_setting_name(i)));
		mr_json_str(&json, "value", s->text[i]);
		mr_json_str(&json, "from", mr_span_str(mr_setting_scope_name(s->scope[i])));
		mr_json_close(&json);
	}
	mr_json_close(&json);
	puts(mr_buf_str(&out));
	return mr_buf_err(&out);
}

int setting_show(struct cli *cli, struct mr_store *store, const struct owner *owner)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(SHOW_SIZE_MAX);
	struct mr_user_settings s;
	int err = MR_ENOMEM;

	if (arena)
		err = mr_user_settings_get(store, owner->local, owner->domain, arena, &s);
	if (err == 0 && cli->json)
		err = show_json(&s);
	if (err < 0)
		return cli_complain(err, "cannot show settings of", owner->shown);
	for (unsigned i = 0; i < MR_USER_SETTINGS && !cli->json; i++)
		printf("%-22s %-14.*s (%s)\n", mr_user_setting_name(i), (int)s.text[i].len,
		       s.text[i].p, mr_setting_scope_name(s.scope[i]));
	return CLI_OK;
}
