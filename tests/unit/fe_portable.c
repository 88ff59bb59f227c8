/* The field once more, as compilers without a 128-bit integer have it. These
 * definitions stand in for those of the library. */
#define FE_PORTABLE
#include "crypto/fe.c"
#include "tests/unit/fe.c"
