/*
 * One of two files that have statics of the same names.
 */

#include "tests/native/rules.h"

static int rolls;

KEPT static int
roll(int x)
{
	rolls++;
	return x + 1;
}

int
rules_roll_a(int x)
{
	int y = roll(x);

	return y + 100 * rolls;
}
