/*
 * The functions that the tests mend.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/native/rules.h"

int (*rules_again)(int depth, void (*bottom)(void)) = rules_deep;

static int report_calls;

MARKED int
rules_damage(int power, int armour)
{
	return power + armour;
}

int
rules_heal(int power)
{
	return power / 3;
}

KEPT static int
report_scale(int power)
{
	return power * 3 + report_calls;
}

static int
down(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

int
rules_report(char *out, size_t cap, int kind, int power)
{
	char word[16];
	int sorted[3] = {kind, power, 7};

	report_calls++;
	qsort(sorted, 3, sizeof sorted[0], down);
	(void)snprintf(word, sizeof word, "old-%d", kind);
	if (strlen(word) >= cap)
		return -1;
	memcpy(out, word, strlen(word) + 1);
	return report_scale(sorted[0]);
}

int
rules_deep(int depth, void (*bottom)(void))
{
	if (depth == 0) {
		bottom();
		return 1;
	}
	return 1 + rules_again(depth - 1, bottom);
}

int
rules_hammer(int x)
{
	return 3 * x + 1;
}
