/* Two functions at once, with a variable that both share. */

int two_calls;
int fix_damage(int power, int armour);
int fix_heal(int power);

int
fix_damage(int power, int armour)
{
	two_calls++;
	return power > armour ? power - armour : 0;
}

int
fix_heal(int power)
{
	return power / 2 + 100 * two_calls;
}
