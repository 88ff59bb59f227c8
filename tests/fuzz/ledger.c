/* A ledger's text, and its lines one by one. */

#include <stdlib.h>
#include <string.h>

#include "update/ledger.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger_event ev;
	struct err e;
	size_t lines;
	char *line;

	if (ledger_check("fuzz", (const char *)data, size, &lines, &e) == 0 &&
	    (lines == 0) != (size == 0))
		abort();
	line = malloc(size + 1);
	if (line == NULL)
		return 0;
	memcpy(line, data, size);
	if (ledger_parse(&ev, line, size, NULL) == 0 &&
	    (ev.nfields > LEDGER_FIELDS || ledger_get(&ev, "") != NULL))
		abort();
	free(line);
	return 0;
}
