#ifndef NATIVE_FIXUP_H
#define NATIVE_FIXUP_H

#include <stdint.h>

#include "native/patch.h"

/*
 * Carry out one relocation: write to the field what kind says, for a value v
 * at the address p (where the field will be in memory, which need not be
 * where it is now). Pure. 0, or -1: v does not fit, the field is as it was.
 */
int fixup_apply(uint8_t *field, enum native_kind kind, uint64_t v, uint64_t p);

#endif
