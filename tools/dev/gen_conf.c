/*
 * gen_conf: conf/millrace.conf.sample and docs/man/millrace.conf.5 from conf/settings.def. `make docs`
 * runs it, `make lint` looks whether it was run.
 *
 *	gen_conf sample|man >FILE
 */
#include <stdio.h>

#include "lib/base/mr_span.h"
#include "lib/run/mr_settings.h"

#define WIDTH 78

/* text in lines that begin with prefix. */
static void put_wrapped(const char *prefix, const char *text)
{
	struct mr_span word, rest = mr_span_str(text);
	size_t column = 0;

	while (rest.len > 0) {
		mr_span_split(rest, ' ', &word, &rest);
		if (column > 0 && column + 1 + word.len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column == 0)
			column = (size_t)printf("%s", prefix);
		else
			column += (size_t)printf(" ");
		column += fwrite(word.p, 1, word.len, stdout);
	}
	putchar('\n');
}

/* "from 10 to 86400 s", "at most 8 items", or "". */
static void range_text(const struct mr_setting *row, char *out, size_t size)
{
	long long min = row->min, max = row->max;

	out[0] = '\0';
	if (row->type == MR_SETTING_INT)
		snprintf(out, size, "from %lld to %lld%s%s", min, max, row->unit[0] ? " " : "",
			 row->unit);
	else if (row->type == MR_SETTING_STR)
		snprintf(out, size, "%lld to %lld characters", min, max);
	else if (row->type == MR_SETTING_LIST)
		snprintf(out, size, "a list, at most %lld items", max);
	else
		snprintf(out, size, "true or false");
}

static void programs_text(const struct mr_setting *row, char *out, size_t size)
{
	snprintf(out, size, strcmp(row->programs, "all") == 0 ? "every program" : "%s",
		 row->programs);
}

static int sample(const struct mr_setting *rows, size_t count)
{
	puts("# millrace.conf: settings of all Millrace programs. What stands here behind \"#\" "
	     "is\n"
	     "# the default. See millrace.conf(5). Check with: millrace-spam -n -c FILE\n"
	     "# Made from conf/settings.def by `make docs`.");
	for (size_t i = 0; i < count; i++) {
		char range[100], programs[100];

		range_text(&rows[i], range, sizeof(range));
		programs_text(&rows[i], programs, sizeof(programs));
		putchar('\n');
		put_wrapped("# ", rows[i].text);
		printf("# (%s; %s)\n#%s = %s\n", programs, range, rows[i].name,
		       rows[i].default_text);
	}
	return 0;
}

/* mdoc(7): a backslash is \e, and a line must not begin with a dot or an apostrophe. */
static void put_mdoc(const char *text)
{
	struct mr_span sentence, rest = mr_span_str(text);

	while (rest.len > 0) {
		size_t at = mr_span_search(rest, MR_SPAN(". ")); /* a sentence, a line */

		sentence = mr_span_sub(rest, 0, at + 1);
		rest = mr_span_sub(rest, at + 2, rest.len);
		if (sentence.len > 0 && (sentence.p[0] == '.' || sentence.p[0] == '\''))
			fputs("\\&", stdout);
		for (size_t i = 0; i < sentence.len; i++) {
			if (sentence.p[i] == '\\')
				fputs("\\e", stdout);
			else
				putchar(sentence.p[i]);
		}
		putchar('\n');
	}
}

static void man_row(const struct mr_setting *row)
{
	char range[100], programs[100];

	range_text(row, range, sizeof(range));
	programs_text(row, programs, sizeof(programs));
	printf(".It Ic %s No = Li \"", row->name);
	for (const char *p = row->default_text; *p; p++)
		fputs(*p == '"' ? "\"\"" : (const char[]){ *p, '\0' }, stdout);
	puts("\"");
	put_mdoc(row->text);
	printf(".Pq %s; %s\n", programs, range);
}

static int man(const struct mr_setting *rows, size_t count)
{
	puts(".\\\" Made from conf/settings.def by `make docs`.\n"
	     ".Dd November 24, 2026\n.Dt MILLRACE.CONF 5\n.Os\n"
	     ".Sh NAME\n.Nm millrace.conf\n.Nd settings of the Millrace programs\n"
	     ".Sh DESCRIPTION\n"
	     "All programs read one file,\n.Pa " MR_SETTINGS_FILE "\n"
	     "or the one that the option\n.Fl c\nnames.\n"
	     "Each takes what concerns it.\n"
	     "A line is\n.Ic name No = Ar value ;\n"
	     "what follows\n.Ql #\nis a comment.\n"
	     "A text stands in double quotes, or bare when it has no blank, quote, brace, comma, "
	     "plus\n"
	     "or equals sign;\n"
	     "in double quotes a backslash quotes the next character, and\n.Li ${NAME}\n"
	     "is the environment's value.\n"
	     "A list is\n.Li { \\(dqone\\(dq, \\(dqtwo\\(dq } .\n"
	     "Numbers are decimal.\n"
	     ".Pp\n"
	     "An unknown name, a name set twice or a value out of its range stops the start with\n"
	     "file and line;\n.Fl n\nchecks and exits.\n"
	     "SIGHUP or the command\n.Ic reload\n"
	     "on the control socket loads the file anew; when it is broken, the old settings "
	     "stay.\n"
	     "What is bound or entered at the start\n"
	     ".Pq Ic run_dir , user , metrics_listen , sandbox , spam_listen , spam_socket_mode ,\n"
	     ".Ic milter_timeout_s , lmtp_socket_mode , map_socket_mode\n"
	     "and, for\n.Xr millrace-lmtpd 8 ,\n.Ic authserv_id ,\n"
	     "takes effect at the next start: a reload that changes it says so in the log, by "
	     "name.\n"
	     ".Sh SETTINGS\nEach with its default, whom it concerns, and its range.\n"
	     ".Bl -tag -width Ds");
	for (size_t i = 0; i < count; i++)
		man_row(&rows[i]);
	puts(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa " MR_SETTINGS_FILE "\n.El\n"
	     ".Sh SEE ALSO\n.Xr millrace 1");
	return 0;
}

/* For `make lint`: a setting and who has it, a line each. */
static int programs(const struct mr_setting *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s %s\n", rows[i].name, rows[i].programs);
	return 0;
}

int main(int argc, char **argv)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);

	if (argc == 2 && strcmp(argv[1], "sample") == 0)
		return sample(rows, count);
	if (argc == 2 && strcmp(argv[1], "man") == 0)
		return man(rows, count);
	if (argc == 2 && strcmp(argv[1], "programs") == 0)
		return programs(rows, count);
	fputs("usage: gen_conf sample|man|programs\n", stderr);
	return 64;
}
