/* Names in messages. */

#include "pack/shown.h"

#include <string.h>

#include "base/text.h"

char *
shown_name(char out[SHOWN_SIZE], const char *name)
{
	return text_escape(out, SHOWN_SIZE, name, strlen(name), 0);
}
