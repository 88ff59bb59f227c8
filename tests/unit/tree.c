/* Folders with all that is in them: listed in order, what cannot be packed is
 * refused by name, and removing follows no links. */

#include "pack/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

static void
put(const char *path)
{
	if (file_write(path, "x", 1, 0644, NULL) != 0)
		abort();
}

/* The names with commas, or the reason. */
static const char *
walk(struct buf *b, const char *const *exclude, size_t n, int any)
{
	struct tree_spec spec = {.dir = "t",
	    .exclude = exclude,
	    .nexclude = n,
	    .any = any,
	    .max = 10};
	struct entries out = ENTRIES_INIT;
	struct err e = {ERR_NONE, ""};
	size_t i;

	buf_reset(b);
	spec.fd = open("t", O_RDONLY | O_DIRECTORY);
	if (tree_walk(&spec, &out, &e) != 0)
		buf_puts(b, e.text);
	for (i = 0; i < out.n && e.kind == ERR_NONE; i++)
		buf_printf(b, "%s%s", i > 0 ? "," : "", out.items[i].name);
	entries_free(&out);
	close(spec.fd);
	return buf_text(b);
}

static void
refused(const char *name, const char *want)
{
	struct buf b = BUF_INIT;
	const char *ex[] = {name};

	IS_STR(walk(&b, NULL, 0, 0), want, "it is refused by name");
	IS_STR(walk(&b, ex, 1, 0), "a,b-c,b/,b/c,b/d/,e/",
	    "unless it is left out");
	buf_free(&b);
}

static void
test_walk(void)
{
	static const char *const last[] = {"c"}, *const whole[] = {"b/c"},
				 *const folder[] = {"b"},
				 *const glob[] = {"b*", "?"};
	struct buf b = BUF_INIT;

	mkdir("t", 0755);
	mkdir("t/b", 0755);
	mkdir("t/b/d", 0755);
	mkdir("t/e", 0755);
	put("t/a");
	put("t/b/c");
	put("t/b-c");
	IS_STR(walk(&b, NULL, 0, 0), "a,b-c,b/,b/c,b/d/,e/",
	    "sorted by bytes, folders with their slash");
	IS_STR(walk(&b, last, 1, 0), "a,b-c,b/,b/d/,e/", "a last part");
	IS_STR(walk(&b, whole, 1, 0), "a,b-c,b/,b/d/,e/", "a whole name");
	IS_STR(walk(&b, folder, 1, 0), "a,b-c,e/", "a folder with its files");
	IS_STR(walk(&b, glob, 2, 0), "", "globs");
	buf_free(&b);
}

static void
test_refused(void)
{
	static const char *const glob = "nnn*";
	struct buf b = BUF_INIT;
	char name[260] = "t/";

	if (symlink("a", "t/link") != 0)
		abort();
	refused("link",
	    "t/link: a symbolic link; a package holds files and folders");
	unlink("t/link");
	mkfifo("t/pipe", 0644);
	refused("pipe", "t/pipe: neither a file nor a folder");
	unlink("t/pipe");
	put("t/n\nl");
	refused("n?l", "t/n\\nl: a name with control characters, or no UTF-8");
	unlink("t/n\nl");
	put("t/b\\s");
	refused("b?s", "t/b\\\\s: a name with a backslash");
	unlink("t/b\\s");
	put("t/\xff");
	refused("\xff", "t/\\xff: a name with control characters, or no UTF-8");
	unlink("t/\xff");
	memset(name + 2, 'n', 254);
	mkdir(name, 0755);
	name[256] = '/';
	name[257] = 'x';
	put(name);
	name[256] = '\0';
	walk(&b, NULL, 0, 0);
	OK(strstr(buf_text(&b), "more than 255 bytes") != NULL,
	    "a name that is too long");
	IS_STR(walk(&b, &glob, 1, 0), "a,b-c,b/,b/c,b/d/,e/",
	    "is left out with its folder");
	IS(tree_remove(AT_FDCWD, name), 0, "it is removed");
	buf_free(&b);
}

static void
test_any(void)
{
	struct buf b = BUF_INIT;

	if (symlink("b", "t/link") != 0)
		abort();
	put("t/n\nl");
	IS_STR(walk(&b, NULL, 0, 1), "a,b-c,b/,b/c,b/d/,e/,link,n\nl",
	    "any: all is listed");
	put("t/1");
	put("t/2");
	put("t/3");
	OK(strstr(walk(&b, NULL, 0, 1), "more than 10") != NULL,
	    "A9 no more than was asked: %s", walk(&b, NULL, 0, 1));
	buf_free(&b);
}

static void
test_remove(void)
{
	mkdir("kept", 0755);
	put("kept/x");
	if (symlink("../kept", "t/out") != 0)
		abort();
	IS(tree_remove(AT_FDCWD, "t"), 0, "all of it is removed");
	IS(access("t", F_OK), -1, "and is gone");
	IS(access("kept/x", F_OK), 0, "but not what a link led to");
	IS(tree_remove(AT_FDCWD, "t"), 0, "once more is fine");
}

int
main(void)
{
	test_walk();
	test_refused();
	test_any();
	test_remove();
	return tap_done();
}
