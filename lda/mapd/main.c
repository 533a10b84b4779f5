/* millrace-mapd: answers what the MTA asks. docs: lda/mapd/millrace-mapd.8 */
#include "lda/mapd/server.h"

int main(int argc, char **argv)
{
	static const char *const fixed[] = { "map_socket_mode", NULL };
	static struct mr_program mapd = {
		.name = "millrace-mapd",
		.word = "mapd",
		.sandbox = MR_SANDBOX_NET | MR_SANDBOX_STORE | MR_SANDBOX_OWN,
		.metrics = mr_mapd_metrics,
		.check = mr_mapd_check,
		.open = mr_mapd_open, /* binds the sockets, opens the store */
		.serve = mr_mapd_serve, /* only now the first outside byte */
		.stop = mr_mapd_stop,
		.reload = mr_mapd_reload,
		.fixed = fixed,
		.close = mr_mapd_close,
		.status = mr_mapd_status,
	};

	mapd.metric_count = mr_mapd_metric_count;
	return mr_main(&mapd, argc, argv);
}
