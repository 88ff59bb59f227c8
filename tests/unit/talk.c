/* What is made of one host's answer. */

#include "cmd/talk.c"
#include "tests/tap.h"

static void
test_body(void)
{
	struct host_line line = {0};
	struct talk t = {0};
	struct conn c = {.line = &line, .talk = &t};

	on_ok(&c, "clients: 3\n", 11);
	OK(c.ended && line.end == HOST_OK && !t.failed, "an answer");
	OK(line.body.len == 11 &&
		memcmp(line.body.data, "clients: 3\n", 11) == 0,
	    "its body is kept");
	/* No memory has room for so much; not a byte of it is looked at. */
	on_ok(&c, "", SIZE_MAX);
	OK(t.failed && t.why.kind == ERR_LOCAL,
	    "one that memory has no room for ends the talk");
	buf_free(&line.body);
}

int
main(void)
{
	test_body();
	return tap_done();
}
