/* What comes after fix_two.c, over one of its functions; with a variable of
 * libc, which a program may have a copy of. */

#include <stdio.h>

int fix_damage(int power, int armour);

int
fix_damage(int power, int armour)
{
	fprintf(stderr, "more: %d %d\n", power, armour);
	return power * 1000 + armour;
}
