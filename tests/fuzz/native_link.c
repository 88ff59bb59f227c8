/*
 * The linker of native patches: three bytes with the length of the object,
 * the object, the executable. Whatever is linked is a patch that its own
 * parser takes.
 */

#include "native/link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
on_line(void *arg, const char *line)
{
	size_t *n = arg;

	if (strchr(line, '\n') != NULL || *line == '\0')
		abort();
	++*n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct native_pair pairs[] = {
	    {"damage", "mended"}, {"small.c:twist", "other"}};
	size_t nreasons = 0, nnotes = 0, object_len;
	const struct native_told told = {on_line, NULL, &nreasons};
	const struct native_told checked = {on_line, on_line, &nnotes};
	struct native_link_spec s = {.pairs = pairs};
	struct native_patch *p = NULL;
	struct buf file = BUF_INIT;
	struct native_target t;
	struct err e;

	if (len < 4)
		return 0;
	object_len = (size_t)bytes[0] | (size_t)bytes[1] << 8 |
		     (size_t)(bytes[2] & 15) << 16;
	s.unmarked = bytes[2] >> 7;
	s.npairs = (bytes[2] & 0x40) != 0 ? 2 : 1;
	bytes += 3;
	len -= 3;
	if (object_len > len)
		return 0;
	s.object = bytes;
	s.object_len = object_len;
	s.exe = bytes + object_len;
	s.exe_len = len - object_len;
	native_check_target(&t, s.exe, s.exe_len, &checked, &e);
	if (native_link(&p, &s, &told, &e) == 0) {
		if (nreasons > 0 || native_patch_format(&file, p, &e) != 0)
			abort();
		buf_free(&file);
		native_patch_free(p);
	} else if (e.text[0] == '\0') {
		abort();
	}
	return 0;
}
