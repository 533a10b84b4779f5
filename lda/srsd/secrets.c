/* The secrets, and what is derived from them. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lda/srsd/srsd.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_secret.h"

#define FILE_MAX (MR_SRS_SECRETS_MAX * (MR_SECRET_MAX + 2))
#define SHA1_LEN 20

struct mr_srsd_secrets {
	struct mr_secret one[MR_SRS_SECRETS_MAX];
	size_t count;
};

void mr_srsd_secrets_free(struct mr_srsd_secrets *secrets)
{
	for (size_t i = 0; secrets && i < secrets->count; i++)
		mr_secret_done(&secrets->one[i]);
	mr_free(secrets);
}

static int take_lines(struct mr_span text, struct mr_srsd_secrets *secrets)
{
	struct mr_cur c = mr_cur(text);
	struct mr_span line;

	while (mr_cur_line(&c, &line)) {
		int err;

		if (line.len == 0)
			continue;
		if (secrets->count == MR_SRS_SECRETS_MAX || line.len < MR_SRSD_SECRET_MIN)
			return MR_EINVAL;
		if ((err = mr_secret_init(&secrets->one[secrets->count], line)) < 0)
			return err == MR_ELIMIT ? MR_EINVAL : err;
		secrets->count++;
	}
	return secrets->count > 0 ? 0 : MR_EINVAL;
}

/* Into memory of ours that is wiped, not into an arena. */
static int read_text(const char *path, char text[FILE_MAX + 1], size_t *len_out)
{
	MR_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len = 0;

	if (fd < 0)
		return mr_err_from_errno(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return MR_EINVAL;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return MR_EPERM;
	for (;;) {
		ssize_t n = read(fd, text + len, FILE_MAX + 1 - len);

		if (n < 0 && errno != EINTR)
			return MR_ETEMP;
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
		if (len > FILE_MAX)
			return MR_EINVAL;
	}
	*len_out = len;
	return 0;
}

int mr_srsd_secrets_read(const char *path, struct mr_srsd_secrets **secrets_out)
{
	struct mr_srsd_secrets *secrets = mr_calloc(1, sizeof(*secrets));
	char text[FILE_MAX + 1];
	size_t len = 0;
	int err;

	if (!secrets)
		return MR_ENOMEM;
	if ((err = read_text(path, text, &len)) == 0)
		err = take_lines(mr_span(text, len), secrets);
	mr_secret_wipe(text, sizeof(text));
	if (err < 0)
		mr_srsd_secrets_free(secrets);
	else
		*secrets_out = secrets;
	return err;
}

int mr_srsd_hash(const struct mr_srsd_secrets *secrets, struct mr_span text,
		 struct mr_srs_hashes *hashes_out)
{
	struct mr_srs_hashes hashes = { .count = secrets->count };

	for (size_t i = 0; i < secrets->count; i++) {
		struct mr_span key = mr_secret_span(&secrets->one[i]);
		unsigned char mac[EVP_MAX_MD_SIZE];
		unsigned len = 0;

		/* RFC 2104, with SHA-1, since that is the scheme's. */
		if (!HMAC(EVP_sha1(), key.p, (int)key.len, (const unsigned char *)text.p, text.len,
			  mac, &len) ||
		    len != SHA1_LEN)
			return MR_ENOMEM;
		sodium_bin2base64(hashes.hash[i], sizeof(hashes.hash[i]), mac, len,
				  sodium_base64_VARIANT_ORIGINAL);
	}
	*hashes_out = hashes;
	return 0;
}
