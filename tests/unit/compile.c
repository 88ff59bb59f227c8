/* Sources are compiled as a check, and never run. */

#include "lua-host/compile.h"

#include "tests/tap.h"

static int
check(const char *text, struct err *e)
{
	memset(e, 0, sizeof *e);
	return compile_check("game/x.lua", text, strlen(text), e);
}

static void
test_good(void)
{
	struct err e;

	IS(check("", &e), 0, "an empty source");
	IS(check("return 1", &e), 0, "a source without its last line's end");
	IS(check("#!/usr/bin/lua\nlocal a <const> = 1\n", &e), 0,
	    "a first line for the shell");
	IS(check("\xef\xbb\xbfreturn {}", &e), 0, "a byte order mark");
	IS(check("os.exit(9)", &e), 0, "nothing of it runs");
}

static void
test_bad(void)
{
	struct err e;

	IS(check("local a\n\nlocal b = = 1\n", &e), -1, "broken in line 3");
	IS(e.kind, ERR_NO, "is a no");
	OK(strncmp(e.text, "game/x.lua:3: ", 14) == 0,
	    "which names the file and the line: %s", e.text);
	IS(check("#!x\nlocal a = = 1\n", &e), -1, "behind a shell's line");
	OK(strncmp(e.text, "game/x.lua:2: ", 14) == 0,
	    "lines keep their numbers: %s", e.text);
	IS(check("\x1bLua", &e), -1, "compiled chunks are no sources");
	OK(strncmp(e.text, "game/x.lua: ", 12) == 0, "named: %s", e.text);
	IS(check("x = '\x1b[31m", &e), -1, "a text with an escape");
	OK(strchr(e.text, 0x1b) == NULL, "does not get through: %s", e.text);
}

static void
test_large(void)
{
	static const char line[] = "{id = 1, name = 'sword', damage = 12},\n";
	const size_t n = 100000, len = sizeof line - 1;
	char *text = malloc(n * len + 16);
	struct err e;
	size_t i, at;

	at = (size_t)sprintf(text, "return {\n");
	for (i = 0; i < n; i++, at += len)
		memcpy(text + at, line, len);
	text[at++] = '}';
	IS(compile_check("data.lua", text, at, &e), 0,
	    "a table of 4 MB is a source as well");
	free(text);
}

int
main(void)
{
	test_good();
	test_bad();
	test_large();
	return tap_done();
}
