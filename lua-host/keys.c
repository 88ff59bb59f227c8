/* Trusted keys from files. */

#include "lua-host/keys.h"

#include "base/file.h"

static int
load_pub(struct keyring *r, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	if (file_read(path, SIGNIFY_FILE, &text, e) == 0)
		ret = keyring_add_pub(r, path, (const char *)text.data,
		    text.len, e);
	buf_free(&text);
	return ret;
}

static int
load_trust(struct keyring *r, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	if (file_read(path, KEYRING_FILE, &text, e) == 0)
		ret = keyring_parse(r, path, (const char *)text.data, text.len,
		    e);
	buf_free(&text);
	return ret;
}

int
keys_load(struct keyring *r, const char *const *pub, size_t npub,
    const char *trust, struct err *e)
{
	size_t i;

	for (i = 0; i < npub; i++)
		if (load_pub(r, pub[i], e) != 0)
			goto fail;
	if (trust != NULL && load_trust(r, trust, e) != 0)
		goto fail;
	return 0;

fail:
	keyring_free(r);
	return -1;
}
