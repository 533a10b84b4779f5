/* millrace-lmtpd: takes mail from the MTA by LMTP and delivers it. docs/man/millrace-lmtpd.8 */
#include "lda/lmtpd/server.h"

int main(int argc, char **argv)
{
	static const char *const fixed[] = { "lmtp_socket_mode", "authserv_id", "system_domain",
					     "system_uid_min", NULL };
	static struct mr_program lmtpd = {
		.name = "millrace-lmtpd",
		.word = "lmtpd",
		.sandbox = MR_SANDBOX_NET | MR_SANDBOX_MAIL | MR_SANDBOX_STORE | MR_SANDBOX_OWN,
		.metrics = mr_lmtpd_metrics,
		.check = mr_lmtpd_check,
		.open = mr_lmtpd_open, /* binds the sockets, opens store and mail_dir */
		.serve = mr_lmtpd_serve, /* only now the first outside byte */
		.stop = mr_lmtpd_stop,
		.reload = mr_lmtpd_reload,
		.fixed = fixed,
		.close = mr_lmtpd_close,
		.status = mr_lmtpd_status,
	};

	lmtpd.metric_count = mr_lmtpd_metric_count;
	return mr_main(&lmtpd, argc, argv);
}
