/* Touches all registers that a call may touch: a caller that knew the body
 * before and kept values in some of them would go on with wrong ones. */

#include <stdio.h>

int fix_step(int x);

int
fix_step(int x)
{
	char text[64];
	int n;

	n = snprintf(text, sizeof text, "%d %d %d %.3f", x, x * 3, x ^ 5,
	    x * 1.5);
	return n > 0 ? x + 2 : -1;
}
