/* millrace playground: a whole private mail system on this machine. The work is a Python program's:
 * this finds it, beside the build that we are part of, or where we are installed. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "tools/commands.h"

/* Debian's, which has what it imports. */
static char python[] = "/usr/bin/python3", build_option[] = "--build", cache_option[] = "--cache";

/* Where it may be, seen from the folder of our own program, the folder whose bin/ has all programs,
 * and where the messages are kept. */
static const struct {
	const char *script, *build, *cache;
} places[] = {
	{ "../../../tests/e2e/playground.py", "..", "../.." },
	{ "../share/millrace/playground/playground.py", "../share/millrace/playground",
	  "/var/cache/millrace" },
};

/* The folder that our program lies in. */
static int own_folder(char out[MR_PATH_MAX])
{
	char path[MR_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	size_t slash;

	if (len < 0 || (size_t)len == sizeof(path))
		return MR_ELIMIT;
	slash = mr_span_rfind(mr_span(path, (size_t)len), '/');
	return mr_span_copyz(mr_span(path, slash), out, MR_PATH_MAX);
}

int cmd_playground(struct cli *cli MR_UNUSED, int argc, char **argv)
{
	char folder[MR_PATH_MAX], script[MR_PATH_MAX], build[MR_PATH_MAX], cache[MR_PATH_MAX];
	char **words = mr_calloc((size_t)argc + 6, sizeof(*words));
	int err = own_folder(folder);

	if (!words)
		return cli_complain(MR_ENOMEM, "cannot start", argv[0]);
	for (size_t i = 0; i < MR_COUNT(places) && err == 0; i++) {
		if ((err = mr_path_join(folder, places[i].script, script)) < 0 ||
		    (err = mr_path_join(folder, places[i].build, build)) < 0 ||
		    (err = mr_path_join(folder, places[i].cache, cache)) < 0 ||
		    access(script, R_OK) < 0)
			continue;
		words[0] = python;
		words[1] = script;
		words[2] = build_option;
		words[3] = build;
		words[4] = cache_option;
		words[5] = cache;
		for (int w = 1; w < argc; w++) /* and the NULL at the end */
			words[5 + w] = argv[w];
		execv(python, words);
		perror("millrace: python3");
		mr_free(words);
		return CLI_FAILED;
	}
	mr_free(words);
	return cli_complain(err < 0 ? err : MR_ENOENT, "cannot find the playground beside", folder);
}
