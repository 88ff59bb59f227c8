/* Unpredictable bytes from the kernel. */

#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

int
random_bytes(void *out, size_t len)
{
	unsigned char *p = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
