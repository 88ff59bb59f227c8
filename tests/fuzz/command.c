/* update/command: any bytes, as they are and as the fields of a text that a
 * trusted key has signed. What opens is within its limits. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "update/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char nonce[] = "00112233445566778899aabbccddeeff"
			    "00112233445566778899aabbccddeeff";

static void
check(const struct command *c)
{
	size_t len = strlen(c->address);
	int has_address = c->verb == KEY_OPEN || c->verb == KEY_CLOSE;

	if (has_address != (len > 0) || len >= COMMAND_ADDRESS)
		abort();
	if (c->verb == KEY_OPEN && (c->seconds < COMMAND_OPEN_MIN_S ||
				       c->seconds > COMMAND_OPEN_MAX_S))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[ED25519_SEED] = {1};
	struct trust_key key = {.name = "ops", .verbs = KEY_ALL_VERBS};
	struct keyring keys = {&key, 1};
	struct signify_sec sec;
	struct signify_sig sig;
	struct buf text = BUF_INIT, fields = BUF_INIT;
	struct refusal why;
	struct command c;

	memset(&sec, 0, sizeof sec);
	memcpy(sec.seed, seed, sizeof seed);
	signify_sec_public(&key.pub, &sec);
	if (command_open(&c, data, size, &keys, "h", nonce, 1, &why) == WORD_OK)
		check(&c);
	buf_puts(&fields, "hotfix-command: 1\n");
	buf_append(&fields, data, size);
	signify_sign(&sig, &sec, fields.data, fields.len);
	signify_sig_format(&text, &sig, "ops");
	buf_append(&text, fields.data, fields.len);
	if (!text.oom && command_open(&c, text.data, text.len, &keys, "h",
			     nonce, 1, &why) == WORD_OK)
		check(&c);
	buf_free(&text);
	buf_free(&fields);
	return 0;
}
