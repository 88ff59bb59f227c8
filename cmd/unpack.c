/* hotfix unpack: a signed package into a fresh folder. */

#include "cmd/verbs.h"

#include <fcntl.h>
#include <unistd.h>

#include "cmd/options.h"
#include "cmd/package.h"
#include "lua-host/keys.h"

static int
unpack(struct say *say, const struct keyring *keys, const char *path,
    const char *dir, const char *base, struct err *e)
{
	struct package *p;
	int ret = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	/* Nothing that is not verified is parsed; that nobody changed it
	 * meanwhile is seen by the same signature in the second read. */
	if (package_check_sig(keys, path, NULL, fd, e) != 0)
		goto out;
	p = package_open_fd(say, keys, path, NULL, fd, PACKAGE_NO_MD5, NULL, e);
	if (p == NULL)
		goto out;
	if (package_info(p)->release.base[0] != '\0' && base == NULL)
		err_set(e, ERR_USAGE,
		    "%s: what changed since release %s: give the unpacked"
		    " folder of that with --base DIR",
		    path, package_info(p)->release.base);
	else
		ret = package_unpack(p, dir, base, e);
	if (ret == 0) {
		package_say(say, package_info(p));
		say_text(say, "path", dir);
		say_count(say, "files", package_info(p)->release.files);
		say_count(say, "bytes", package_info(p)->release.bytes);
		say_end(say);
	}
	package_free(p);
out:
	close(fd);
	return ret;
}

int
cmd_unpack(int argc, char **argv)
{
	struct say say = {0};
	struct keyring keys = KEYRING_INIT;
	struct option_list pub = {{NULL}, 0};
	const char *trust = NULL, *base = NULL;
	const struct option options[] = {
	    {'p', "pub", "FILE", "trust this public key", .list = &pub},
	    {0, "trust", "FILE", "trust the keys in this list", .text = &trust},
	    {0, "base", "DIR", "the unpacked base of a package --since",
		.text = &base},
	};
	const struct usage usage = {
	    "[-qvh] [--json] [-p PUB]... [--trust FILE] [--base DIR] PACKAGE"
	    " DIR",
	    "Check PACKAGE and its signature PACKAGE.sig, and unpack it into"
	    " the new folder\nDIR: all of it, or nothing.\n",
	    options, sizeof options / sizeof *options, NULL, 0, NULL, 0};
	char **operands;
	struct err e;
	size_t n;
	int status;

	status = options_parse(&say, &usage, argc, argv, &operands, &n);
	if (status != OPTIONS_GO_ON)
		return status;
	if (n != 2 || *operands[0] == '\0' || *operands[1] == '\0')
		return options_complain(&say, "PACKAGE and DIR are needed");
	if (pub.n == 0 && trust == NULL)
		return options_complain(&say,
		    "no key to check it with: give -p PUB or --trust FILE");
	if (keys_load(&keys, pub.items, pub.n, trust, &e) != 0 ||
	    unpack(&say, &keys, operands[0], operands[1], base, &e) != 0)
		status = say_err(&say, &e);
	else
		status = 0;
	keyring_free(&keys);
	return status;
}
