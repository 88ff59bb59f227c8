#ifndef NATIVE_ENTRY_H
#define NATIVE_ENTRY_H

#include <stdint.h>

#include "native/patch.h"

/* The entry of a function that is replaced. Pure, for either machine. */

#define ENTRY_JUMP_MAX NATIVE_JUMP_X86_64

/* The bytes of a jump from site to target. 0, or -1: it is too far away. */
int entry_jump(uint8_t out[ENTRY_JUMP_MAX], enum native_arch arch,
    uint64_t site, uint64_t target);

/* 1 when all that the jump overwrites are instructions that do nothing, so
 * that a thread among them may begin anew. */
int entry_is_sled(const uint8_t bytes[ENTRY_JUMP_MAX], enum native_arch arch);

#endif
