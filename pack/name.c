/* The rule for names in packages. */

#include "pack/name.h"

#include <string.h>

#include "base/text.h"

const char *
name_check(const char *name, size_t len)
{
	const char *end = name + len;
	const char *part = name;
	const char *slash;
	size_t depth, n;

	if (len == 0)
		return "an empty name";
	if (len > NAME_LEN_MAX)
		return "a name of more than 255 bytes";
	if (!text_is_clean(name, len))
		return "a name with control characters, or no UTF-8";
	if (memchr(name, '\\', len) != NULL)
		return "a name with a backslash";
	for (depth = 1; part <= end; depth++, part += n + 1) {
		slash = memchr(part, '/', (size_t)(end - part));
		n = (size_t)((slash != NULL ? slash : end) - part);
		if (n == 0)
			return "a name with an empty part";
		if (part[0] == '.' && (n == 1 || (n == 2 && part[1] == '.')))
			return "a name with a part '.' or '..'";
		if (depth > NAME_DEPTH_MAX)
			return "a name of more than 16 parts";
		if (slash == NULL)
			break;
	}
	return NULL;
}
