#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

/*
 * Test vectors: bytes as hex, and optional files of tab-separated fields
 * that lie beside the source folder, where somebody has put them.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

#define VECTORS_LINE 16384 /* more than any line of those files */

/* The bytes of hex, "-" being none; a test's own data must be right. */
__attribute__((unused)) static size_t
unhex(uint8_t *out, size_t size, const char *hex)
{
	size_t len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;

	if (len > size ||
	    (len > 0 && hex_decode(out, len, hex, strlen(hex)) != 0)) {
		fprintf(stderr, "bad vector: %s\n", hex);
		abort();
	}
	return len;
}

/* NULL when the file is not there. */
__attribute__((unused)) static FILE *
vectors_open(const char *name)
{
	const char *top = getenv("HOTFIX_TOP");
	char path[4096];

	if (top == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s/../shared/vectors/%s", top, name);
	return fopen(path, "r");
}

/* The next line that is no comment, in n fields (the last may hold tabs):
 * 1; 0 at the end. */
__attribute__((unused)) static int
vectors_next(FILE *f, char line[VECTORS_LINE], char **field, int n)
{
	int i;

	do {
		if (fgets(line, VECTORS_LINE, f) == NULL)
			return 0;
	} while (line[0] == '#');
	line[strcspn(line, "\n")] = '\0';
	for (i = 0; i < n; i++) {
		field[i] = line;
		if (i + 1 < n) {
			line = strchr(line, '\t');
			if (line == NULL)
				abort();
			*line++ = '\0';
		}
	}
	return 1;
}

#endif
