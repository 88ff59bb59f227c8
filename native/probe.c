#include "native/probe.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "native/arch.h"
#include "native/reserve.h"
#include "native/write.h"

static unsigned
call(void)
{
	int (*f)(void) = (int (*)(void))(uintptr_t)native_reserve_probe;

	return (unsigned)f();
}

enum probe_result
probe_method(enum native_method method)
{
	enum probe_result result = PROBE_FAILS;
	struct writer w = WRITER_INIT;
	uint8_t code[ARCH_PROBE];
	struct write_job job;
	unsigned number;

	/* Called before too: an emulator translates code when it first sees
	 * it, and would then translate the new. */
	number = call() % 1000 + 1;
	job.at = (uintptr_t)native_reserve_probe;
	job.bytes = code;
	job.len = arch_probe(code, number);
	errno = 0;
	if (writer_open(&w, method, &job, 1) == 0 && writer_run(&w) == 0 &&
	    memcmp(native_reserve_probe, code, job.len) == 0)
		result = call() == number ? PROBE_WORKS : PROBE_UNSEEN;
	writer_close(&w);
	return result;
}

int
probe_choose(enum native_method *out, unsigned allowed, char *why, size_t size)
{
	enum probe_result result;
	size_t len = 0;
	unsigned m;
	int n;

	why[0] = '\0';
	for (m = 0; m < NATIVE_METHODS; m++) {
		if ((allowed & 1U << m) == 0)
			continue;
		result = probe_method((enum native_method)m);
		if (result == PROBE_WORKS) {
			*out = (enum native_method)m;
			return 0;
		}
		n = snprintf(why + len, size - len, "%s%s: %s",
		    len > 0 ? ", " : "",
		    native_method_name((enum native_method)m),
		    result == PROBE_UNSEEN ? "has no effect"
		    : errno != 0           ? strerror(errno)
					   : "does not write");
		if (n > 0 && (size_t)n < size - len)
			len += (size_t)n;
	}
	return -1;
}
