/*
 * The mended function: the same signature, the same types, another name. It
 * has a variable of its own and a function of libc that the server uses too.
 */

#include <stdio.h>

#include "game.h"

int damage_mended(const struct monster *m, int power);

static unsigned long absorbed; /* blows that did nothing; new */

int
damage_mended(const struct monster *m, int power)
{
	char text[64];

	if (power > m->armour)
		return power - m->armour;
	absorbed++;
	(void)snprintf(text, sizeof text, "blow %lu of %lu", absorbed,
	    m->blows);
	return 0;
}
