#ifndef GAME_H
#define GAME_H

/* The game: monsters that are hit, and recover a little with every tick. */

#include <pthread.h>
#include <stddef.h>

#define GAME_MONSTERS 64
#define GAME_HEALTH   1000000

struct monster {
	int armour, health;
	unsigned long blows;
};

struct game {
	pthread_mutex_t lock; /* workers and ticks share the monsters */
	unsigned long ticks;
	struct monster monsters[GAME_MONSTERS];
};

void game_start(struct game *g);
void game_tick(struct game *g);

/* What a blow takes off a monster's health. */
int game_damage(const struct monster *m, int power);

/* Do what a player's line says; the answer with its LF into out, its length
 * is returned. */
size_t game_line(struct game *g, const char *line, char *out, size_t cap);

#endif
