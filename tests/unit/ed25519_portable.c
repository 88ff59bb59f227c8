/* Ed25519 once more, on the field as compilers without a 128-bit integer
 * have it. Its definitions stand in for those of the library. */
#define FE_PORTABLE
#include "crypto/fe.c"
#include "tests/unit/ed25519.c"
