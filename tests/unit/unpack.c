/* Unpacking below a folder of somebody who is quick. */

#include "pack/package.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const char
    *planted; /* where a link leads that takes the folder's name */

char *mkdtemp(char *template);

/* In the place of the library's: the folder is made, and at once another one's
 * is there instead. */
char *
mkdtemp(char *template)
{
	memcpy(template + strlen(template) - 6, "abcdef", 6);
	if (mkdir(template, 0700) != 0)
		return NULL;
	if (planted != NULL &&
	    (rmdir(template) != 0 || symlink(planted, template) != 0))
		return NULL;
	return template;
}

static int
unpack(const char *path, const char *dir, struct err *e)
{
	int fd = open(path, O_RDONLY), ret = -1;
	struct package *p = package_open(fd, path, NULL, e);

	if (p != NULL)
		ret = package_unpack(p, dir, NULL, e);
	package_free(p);
	close(fd);
	return ret;
}

int
main(void)
{
	static const struct package_spec spec = {
	    .dir = "game", .name = "game", .release = "1"};
	struct package_info info;
	struct stat st;
	struct err e;

	if (mkdir("game", 0755) != 0 || mkdir("private", 0700) != 0 ||
	    file_write("game/x", "1", 1, 0644, &e) != 0 ||
	    package_create(&spec, "game.tar", &info, &e) != 0)
		return 1;
	OK(unpack("game.tar", "one", &e) == 0, "all is well");
	planted = "private";
	OK(unpack("game.tar", "two", &e) != 0, "the folder aside is a link");
	OK(access("private/x", F_OK) != 0 && stat("private", &st) == 0 &&
		(st.st_mode & 0777) == 0700,
	    "where it leads nothing is written, nor opened to others");
	OK(lstat("two", &st) != 0 && lstat("two.new-abcdef", &st) != 0,
	    "and nothing is left");
	return tap_done();
}
