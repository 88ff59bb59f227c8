/*
 * A fix that has a bit of everything: literals, a table of pointers, a jump
 * table, static locals with and without a first value, one of them aligned,
 * doubles, a static function that libc calls, functions of libc (some of which
 * static glibc chooses at start), and a static function and a static variable
 * of the program's own file.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/native/rules.h"

extern int report_calls;
int report_scale(int power);
int fix_report(char *out, size_t cap, int kind, int power);

static const char *const kinds[] = {
    "blade", "fire", "frost", "storm", "void", "light", "none"};

static int
up(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int
fix_report(char *out, size_t cap, int kind, int power)
{
	static int runs;
	static double sum = 0.5;
	static char word[64] __attribute__((aligned(64)));
	int sorted[4] = {kind, power, 7, -2};
	const char *name = kinds[6];
	double factor = 0.25;
	int n;

	if ((uintptr_t)word % 64 != 0)
		return -2;
	report_calls++;
	runs++;
	switch (kind) {
	case 0:
		name = kinds[0];
		factor = power * 1.5;
		break;
	case 1:
		name = kinds[1];
		factor = power - 0.125 * runs;
		break;
	case 2:
		name = kinds[2];
		sorted[0] = report_scale(power);
		break;
	case 3:
		name = kinds[3];
		factor = (double)strlen(kinds[3]) / 4.0;
		break;
	case 4:
		name = kinds[4];
		sum += 1000.0;
		break;
	case 5:
		name = kinds[5];
		sorted[3] = -power;
		break;
	}
	sum += factor;
	qsort(sorted, 4, sizeof sorted[0], up);
	n = snprintf(word, sizeof word, "%s/%d/%.3f/%d,%d,%d,%d", name, runs,
	    sum, sorted[0], sorted[1], sorted[2], sorted[3]);
	if (n < 0 || strlen(word) >= cap)
		return -1;
	memcpy(out, word, strlen(word) + 1);
	return report_scale(n);
}
