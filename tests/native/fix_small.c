/* One line each: for what is about the entry, threads, and the order. */

#include "tests/native/rules.h"

int fix_deep(int depth, void (*bottom)(void));
int fix_hammer(int x);
int fix_long(int x);
int fix_one(void);
int fix_short(int x);

int
fix_deep(int depth, void (*bottom)(void))
{
	if (depth == 0) {
		bottom();
		return 1000;
	}
	return 1000 + rules_again(depth - 1, bottom);
}

int
fix_hammer(int x)
{
	return 5 * x + 2;
}

int
fix_long(int x)
{
	return 9 * x + 4;
}

int
fix_one(void)
{
	return 2;
}

int
fix_short(int x)
{
	return 100 * x;
}
