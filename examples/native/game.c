#include "game.h"

#include <stdio.h>

void
game_start(struct game *g)
{
	int i;

	pthread_mutex_init(&g->lock, NULL);
	g->ticks = 0;
	for (i = 0; i < GAME_MONSTERS; i++) {
		g->monsters[i].armour = 1 + i % 8;
		g->monsters[i].health = GAME_HEALTH;
		g->monsters[i].blows = 0;
	}
}

void
game_tick(struct game *g)
{
	int i;

	pthread_mutex_lock(&g->lock);
	g->ticks++;
	for (i = 0; i < GAME_MONSTERS; i++)
		if (g->monsters[i].health < GAME_HEALTH)
			g->monsters[i].health++;
	pthread_mutex_unlock(&g->lock);
}

/* Here is the bug: armour adds to the damage instead of taking from it. */
int
game_damage(const struct monster *m, int power)
{
	return power + m->armour;
}

static int
hit(struct monster *m, int power)
{
	int damage = game_damage(m, power);

	m->health = m->health > damage ? m->health - damage : GAME_HEALTH;
	m->blows++;
	return damage;
}

size_t
game_line(struct game *g, const char *line, char *out, size_t cap)
{
	int n, power, damage;
	int len;

	pthread_mutex_lock(&g->lock);
	if (sscanf(line, "hit %d %d", &n, &power) == 2 && n >= 0 &&
	    n < GAME_MONSTERS && power >= 0 && power <= 1000) {
		damage = hit(&g->monsters[n], power);
		len = snprintf(out, cap, "monster %d: damage %d\n", n, damage);
	} else
		len = snprintf(out, cap, "ticks %lu\n", g->ticks);
	pthread_mutex_unlock(&g->lock);
	return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}
