#ifndef RULES_H
#define RULES_H

/*
 * What the targets of the tests of native patches compute: the functions
 * that fixes replace. They stand in files of their own, so that only the
 * flags that a target is built with decide what a compiler may know of them.
 */

#include <stddef.h>

/* A static function that a fix calls by its name: neither inlined nor given
 * another signature. */
#define KEPT __attribute__((noinline, used))

/* In a target that is built without the flags some functions are marked. */
#ifdef RULES_MARKED
#include "lua-host/hotfix.h"
#define MARKED HOTFIX_PATCHABLE
#else
#define MARKED
#endif

int rules_damage(int power, int armour); /* power + armour: the bug */
int rules_heal(int power);               /* power / 3: another one */
/* A line for people into out; its length. Uses a static function and a
 * static variable of its file, and functions of libc. */
int rules_report(char *out, size_t cap, int kind, int power);
/* Calls itself through rules_again depth times, then bottom; a point for
 * each level. */
int rules_deep(int depth, void (*bottom)(void));
extern int (*rules_again)(int depth, void (*bottom)(void));
int rules_hammer(int x); /* 3 x + 1 */
/* Two files have a static function roll and a static variable rolls each;
 * what they give and count. */
int rules_roll_a(int x); /* x + 1, and the count a hundredfold */
int rules_roll_b(int x); /* x + 2, likewise */

/* Its caller stands in the same file, so that without the flags it may
 * believe what the body says. */
int rules_one(void);          /* 1 */
int rules_three(void);        /* three times rules_one */
int rules_step(int x);        /* x + 1 */
int rules_walk(int n, int x); /* x + n, and n times what it held */

/* Of shapes that compilers make copies of, or parts, without the flags; and
 * two of the same instructions, which a linker may make one. */
int rules_copied(int x);
int rules_parted(int x);
int rules_same_a(int x);
int rules_same_b(int x);

#if defined(__x86_64__)
/* Without room at their entry, in assembly. */
int rules_short(int x); /* 2 x in 4 bytes, and 12 unused ones behind */
int rules_tight(int x); /* 3 x in 4 bytes, and the next function behind */
int rules_loop(int x);  /* counts down to 0 by a jump into its first bytes */
int rules_long(int x);  /* 7 x + 3, with no such jump */
#endif

#endif
