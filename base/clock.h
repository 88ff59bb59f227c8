#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ns(void); /* for waiting: never set, never back */
int64_t clock_wall_us(void); /* since 1970 UTC, as the machine believes */

#endif
