/* Calls one of two static functions of one name, and counts on in one of two
 * static variables of one name: FILE.c$NAME says which. */

extern int b_rolls __asm__("roll_b.c$rolls");
int b_roll(int x) __asm__("roll_b.c$roll");
int fix_roll(int x);
int fix_heal(int power);

int
fix_roll(int x)
{
	return 1000 + x;
}

int
fix_heal(int power)
{
	b_rolls += 50;
	return b_roll(power);
}
