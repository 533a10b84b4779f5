/* millrace-srsd: derives the hashes of SRS addresses. docs: millrace-srsd(8) */
#include "lda/srsd/srsd.h"

int main(int argc, char **argv)
{
	static const char *const fixed[] = { "srs_socket", "srs_socket_mode", "srs_secret", NULL };
	static const struct mr_program srsd = {
		.name = "millrace-srsd",
		.word = "srsd",
		.sandbox = MR_SANDBOX_NET,
		.check = mr_srsd_check,
		.open = mr_srsd_open, /* reads the secret, binds the socket */
		.serve = mr_srsd_serve, /* only now the first outside byte */
		.stop = mr_srsd_stop,
		.fixed = fixed,
		.close = mr_srsd_close,
	};

	return mr_main(&srsd, argc, argv);
}
