/*
 * Functions whose callers a compiler sees, in one file: what it learns from
 * their bodies must not reach the callers.
 */

#include <stdio.h>

#include "tests/native/rules.h"

struct four {
	int a, b, c, d;
};

static int seen;

MARKED __attribute__((noinline)) int
rules_one(void)
{
	return 1;
}

int
rules_three(void)
{
	return rules_one() + rules_one() + rules_one();
}

MARKED __attribute__((noinline)) int
rules_step(int x)
{
	return x + 1;
}

/* Holds some values over a call of a function that touches few registers. */
int
rules_walk(int n, int x)
{
	int i, a = n * 3, b = n * 5, c = n * 7;

	for (i = 0; i < n; i++) {
		x = rules_step(x);
		a += i;
		b ^= a;
		c += b;
	}
	return x * 1000 + (a + b + c) % 1000;
}

/* Called with one mode only: a copy of its own for that. */
__attribute__((noinline)) static int
prop(int x, int mode)
{
	int i;

	for (i = 0; i < x; i++)
		seen += mode * i;
	return seen;
}

/* Looks at two members: a copy that is given just them. */
__attribute__((noinline)) static int
members(const struct four *f, int unused)
{
	(void)unused;
	seen++;
	return f->a + f->c;
}

int
rules_copied(int x)
{
	struct four f = {x, 2, x + 3, 4};

	return prop(x, 3) + prop(x + 1, 3) + members(&f, x) + members(&f, 7);
}

/* Its beginning may go into its callers, the rest become a function. */
int
rules_parted(int x)
{
	int i;

	if (x < 3)
		return x;
	seen += x;
	for (i = 0; i < x; i++)
		printf("%d %d\n", i, seen);
	printf("%d\n", seen);
	printf("%d\n", x);
	return seen;
}

int
rules_same_a(int x)
{
	int i, s = 0;

	for (i = 0; i < x; i++)
		s += rules_parted(i);
	return s + rules_parted(x + 1) + rules_parted(x - 1);
}

int
rules_same_b(int x)
{
	int i, s = 0;

	for (i = 0; i < x; i++)
		s += rules_parted(i);
	return s + rules_parted(x + 1) + rules_parted(x - 1);
}
