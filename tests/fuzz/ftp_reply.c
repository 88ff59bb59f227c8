/* Answers of FTP servers: in pieces as at once, and nothing past the end. */

#include "net/ftp_reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static enum ftp_reply_result
feed(struct ftp_reply *r, const uint8_t *bytes, size_t len, size_t piece,
    size_t *taken)
{
	enum ftp_reply_result state = FTP_REPLY_MORE;
	size_t at = 0, n, used;

	ftp_reply_init(r);
	while (at < len && state == FTP_REPLY_MORE) {
		n = len - at < piece ? len - at : piece;
		state = ftp_reply_feed(r, bytes + at, n, &used);
		at += used;
	}
	*taken = at;
	return state;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ftp_reply *a = malloc(sizeof *a), *b = malloc(sizeof *b);
	enum ftp_reply_result state;
	size_t one, other;
	uint16_t port;
	uint8_t md5[16];
	uint64_t size;
	int64_t us;

	if (len > 0 && a != NULL && b != NULL) {
		state = feed(a, bytes + 1, len - 1, len, &one);
		if (feed(b, bytes + 1, len - 1, (size_t)bytes[0] + 1, &other) !=
			state ||
		    one != other)
			abort();
		if (state == FTP_REPLY_DONE) {
			if (a->code < 100 || a->code > 599 ||
			    a->code != b->code || strcmp(a->text, b->text) != 0)
				abort();
			if (ftp_reply_pasv(ftp_reply_text(a), &port) == 0 &&
			    port < 1024)
				abort();
			if (ftp_reply_epsv(ftp_reply_text(a), &port) == 0 &&
			    port < 1024)
				abort();
			(void)ftp_reply_size(ftp_reply_text(a), &size);
			(void)ftp_reply_mtime(ftp_reply_text(a), &us);
			(void)ftp_reply_md5(ftp_reply_text(a), md5);
			(void)ftp_reply_feature(a, "SIZE");
		}
	}
	free(a);
	free(b);
	return 0;
}
