/*
 * One of two files that have statics of the same names.
 */

#include "tests/native/rules.h"

static int rolls;

KEPT static int
roll(int x)
{
	rolls++;
	return x + 2;
}

int
rules_roll_b(int x)
{
	int y = roll(x);

	return y + 100 * rolls;
}
