/* Addresses: what is read can be sent, and is the same when read again. */

#include "net/ftp_url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct ftp_url u, v;

	buf_puts(&text, "ftp://");
	buf_append(&text, bytes, len);
	if (buf_text(&text) == NULL)
		abort();
	if (ftp_url_parse(&u, (const char *)text.data, NULL) == 0) {
		if (!ftp_can_send(u.path) || !ftp_can_send(u.user))
			abort();
		if (ftp_url_format(&again, &u) != 0 ||
		    buf_text(&again) == NULL ||
		    ftp_url_parse(&v, (const char *)again.data, NULL) != 0 ||
		    strcmp(u.path, v.path) != 0 ||
		    strcmp(u.host, v.host) != 0 || u.port != v.port)
			abort();
	}
	buf_free(&text);
	buf_free(&again);
	return 0;
}
