/* ~/.netrc: any bytes. */

#include "net/netrc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	struct ftp_login l;

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, bytes, len);
	if (netrc_find(&l, text, len, "h", "me", 0, NULL) == 0 &&
	    strcmp(l.user, "me") != 0)
		abort();
	(void)netrc_find(&l, text, len, "h", "", 1, NULL);
	free(text);
	return 0;
}
