/* hotfix keygen: a pair of keys. */

#include "cmd/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "cmd/options.h"
#include "crypto/signify.h"
#include "crypto/wipe.h"

static const struct usage usage = {
    "[-qvh] [--json] NAME",
    "Make the key files NAME.sec (secret, for push) and NAME.pub (for hosts"
    " and\nclients), in signify's format, without a passphrase. Files that"
    " exist are\nnever overwritten.\n",
    NULL,
    0,
    NULL,
    0,
    NULL,
    0,
};

/* NAME with the suffix, to free; NULL: out of memory. */
static char *
path_of(const char *name, const char *suffix)
{
	size_t size = strlen(name) + strlen(suffix) + 1;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s%s", name, suffix);
	return path;
}

/* What stands in the untrusted comment: the last part of the name, where it
 * can stand there. */
static const char *
comment_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash != NULL ? slash + 1 : name;

	return strlen(base) <= 128 && text_is_clean(base, strlen(base))
		   ? base
		   : "hotfix";
}

static int
make_key(struct signify_sec *sec, struct err *e)
{
	if (random_bytes(sec->seed, sizeof sec->seed) != 0 ||
	    random_bytes(sec->keynum, sizeof sec->keynum) != 0)
		return err_errno(e, ERR_LOCAL, "random bytes");
	return 0;
}

/* Both files or none. */
static int
write_pair(const char *sec_path, const char *pub_path, const char *comment,
    const struct signify_sec *sec, struct err *e)
{
	struct buf text = BUF_INIT, pub_text = BUF_INIT;
	struct signify_pub pub;
	char line[160];
	int ret = -1;

	signify_sec_public(&pub, sec);
	snprintf(line, sizeof line, "%s secret key", comment);
	if (signify_sec_format(&text, sec, line) != 0)
		goto oom;
	snprintf(line, sizeof line, "%s public key", comment);
	if (signify_pub_format(&pub_text, &pub, line) != 0)
		goto oom;
	if (file_create(sec_path, text.data, text.len, 0600, e) != 0)
		goto out;
	if (file_create(pub_path, pub_text.data, pub_text.len, 0644, e) != 0) {
		unlink(sec_path);
		goto out;
	}
	ret = 0;
	goto out;

oom:
	err_set(e, ERR_LOCAL, "out of memory");
out:
	if (text.data != NULL)
		crypto_wipe(text.data, text.cap);
	buf_free(&text);
	buf_free(&pub_text);
	return ret;
}

int
cmd_keygen(int argc, char **argv)
{
	struct say say = {0};
	struct signify_sec sec;
	char *sec_path = NULL, *pub_path = NULL;
	char **operands;
	size_t n;
	struct err e = {ERR_NONE, ""};
	int status;

	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 1 || *operands[0] == '\0')
		return options_complain(&say, "one NAME is needed");
	sec_path = path_of(operands[0], ".sec");
	pub_path = path_of(operands[0], ".pub");
	if (sec_path == NULL || pub_path == NULL)
		err_set(&e, ERR_LOCAL, "out of memory");
	else if (make_key(&sec, &e) == 0)
		write_pair(sec_path, pub_path, comment_of(operands[0]), &sec,
		    &e);
	crypto_wipe(&sec, sizeof sec);
	if (e.kind == ERR_NONE) {
		say_text(&say, "secret", sec_path);
		say_text(&say, "public", pub_path);
		say_end(&say);
		status = 0;
	} else {
		status = say_err(&say, &e);
	}
	free(sec_path);
	free(pub_path);
	return status;
}
