/* train: from which log-odds on a message is spam. */
#include <stdlib.h>

#include "milters/spam/train_priv.h"

/* README.md has the experiments that chose these. */
#define TAIL_PART  50 /* of the good lessons, this part is the tail */
#define TAIL_MIN   8 /* lessons, as far as they are half of all at most */
#define HAM_WEIGHT 40 /* with this many good lessons, they and what was known have an equal say */

static int falling(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/*
 * Plain arithmetic, since libm's last bit differs from host to host: x = 2^n * m with m in [0.75, 1.5),
 * and ln m = 2 (z + z^3 / 3 + z^5 / 5 ...) with z = (m - 1) / (m + 1), |z| <= 0.2.
 */
double mr_spam_ln(double x)
{
	double z, q, sum = 0;
	int n = 0;

	for (; x >= 1.5; n++)
		x /= 2;
	for (; x < 0.75; n--)
		x *= 2;
	z = (x - 1) / (x + 1);
	q = z * z;
	for (int k = 11; k >= 1; k -= 2)
		sum = sum * q + 1.0 / k;
	return 2 * z * sum + n * 0.6931471805599453;
}

/*
 * One good message in some thousand is seldom among the lessons, so the highest log-odds alone would
 * be chance. The tail of good mail falls about exponentially: with the share p of it above u, and those
 * being m above u on average, the share p * e^(-x / m) lies above u + x.
 */
static double tail(const double *ham, size_t count, double fp_max)
{
	size_t k = count / TAIL_PART;
	double mean = 0;

	if (k < TAIL_MIN)
		k = count / 2 < TAIL_MIN ? count / 2 : TAIL_MIN;
	if (k == 0)
		return ham[0];
	for (size_t i = 0; i < k; i++)
		mean += (ham[i] - ham[k]) / (double)k;
	return ham[k] + mean * mr_spam_ln((double)k / (double)count / fp_max);
}

double mr_spam_threshold(double known, double *ham, size_t count, double fp_max)
{
	if (count == 0)
		return known;
	qsort(ham, count, sizeof(*ham), falling);
	return ((double)count * tail(ham, count, fp_max) + HAM_WEIGHT * known) /
	       ((double)count + HAM_WEIGHT);
}
