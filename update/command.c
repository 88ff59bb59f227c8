/* Signed commands: built and opened. */

#include "update/command.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/text.h"
#include "update/signed.h"

#define KIND "hotfix-command"

/* The values as they stand; p is NULL while a field is missing. */
struct fields {
	struct span host, nonce, seq, command;
};

/* --- the command line ----------------------------------------------------- */

/* "self", or what can be an address in numbers: whether it is one, its user
 * finds out. */
static int
take_address(struct command *out, struct span s)
{
	static const char allowed[] = "0123456789abcdefABCDEF:.";
	size_t i;

	if (s.n == 0 || s.n >= sizeof out->address)
		return -1;
	for (i = 0; i < s.n && !span_is(s, "self"); i++)
		if (memchr(allowed, s.p[i], sizeof allowed - 1) == NULL)
			return -1;
	memcpy(out->address, s.p, s.n);
	out->address[s.n] = '\0';
	return 0;
}

static int
take_number(struct span s, uint64_t min, uint64_t max, uint64_t *out)
{
	return num_parse(s.p, s.n, max, out) == NUM_OK && *out >= min ? 0 : -1;
}

/* 0, or -1: no such command. */
static int
parse_command(struct command *out, struct span line)
{
	struct span arg[4];
	size_t n = 0;

	while (n < 4 && split_next(&line, ' ', &arg[n]))
		n++;
	if (n == 3 && span_is(arg[0], "open")) {
		out->verb = KEY_OPEN;
		if (take_address(out, arg[1]) != 0)
			return -1;
		return take_number(arg[2], COMMAND_OPEN_MIN_S,
		    COMMAND_OPEN_MAX_S, &out->seconds);
	}
	if (n == 2 && span_is(arg[0], "close")) {
		out->verb = KEY_CLOSE;
		return take_address(out, arg[1]);
	}
	if (n == 2 && span_is(arg[0], "accept")) {
		out->verb = KEY_ACCEPT;
		return take_number(arg[1], 1, INT64_MAX, &out->id);
	}
	if (n == 1 && span_is(arg[0], "reload")) {
		out->verb = KEY_RELOAD;
		return 0;
	}
	return -1;
}

/* --- opening -------------------------------------------------------------- */

/* Length before content: lines, and one empty one, which ends the text. */
static enum word
check_shape(const char *text, size_t len, struct refusal *why)
{
	struct span rest = {text, len}, line = {text, len};

	if (len > COMMAND_MAX)
		return refuse(why, WORD_TOO_LARGE,
		    "a command of more than %d bytes", COMMAND_MAX);
	while (split_next(&rest, '\n', &line))
		if (line.n == 0)
			break;
	if (rest.p == NULL || rest.n != 0)
		return refuse(why, WORD_SYNTAX,
		    "the command does not end with its only empty line");
	return WORD_OK;
}

/* Was there a field of this name in the text before this line? In the bytes
 * of one command that is quick however often it is asked. */
static int
is_repeated(struct span text, struct span name)
{
	struct span line, other;

	while (split_next(&text, '\n', &line) && line.p != name.p) {
		other = signed_field_name(line);
		if (other.n == name.n && memcmp(other.p, name.p, name.n) == 0)
			return 1;
	}
	return 0;
}

static enum word
cut_fields(struct fields *f, struct span text, struct refusal *why)
{
	struct span rest = text, line, name, value;

	memset(f, 0, sizeof *f);
	while (split_next(&rest, '\n', &line) && line.n > 0) {
		name = signed_field_name(line);
		if (name.n == 0 || !text_is_clean(line.p, line.n))
			return refuse(why, WORD_SYNTAX,
			    "a line that is not 'name: value' in clean text");
		if (is_repeated(text, name))
			return refuse(why, WORD_SYNTAX,
			    "a field that stands there twice");
		value.p = name.p + name.n + 2;
		value.n = line.n - name.n - 2;
		if (span_is(name, "host"))
			f->host = value;
		else if (span_is(name, "nonce"))
			f->nonce = value;
		else if (span_is(name, "seq"))
			f->seq = value;
		else if (span_is(name, "command"))
			f->command = value;
	}
	return WORD_OK;
}

static enum word
parse_fields(struct command *out, const struct fields *f, uint64_t *seq,
    struct refusal *why)
{
	uint8_t nonce[COMMAND_NONCE];

	if (f->host.p == NULL || f->nonce.p == NULL || f->seq.p == NULL ||
	    f->command.p == NULL)
		return refuse(why, WORD_SYNTAX,
		    "host, nonce, seq or command is missing");
	if (hex_decode(nonce, sizeof nonce, f->nonce.p, f->nonce.n) != 0)
		return refuse(why, WORD_SYNTAX, "nonce: not %d hex digits",
		    2 * COMMAND_NONCE);
	if (num_parse(f->seq.p, f->seq.n, UINT64_MAX, seq) != NUM_OK)
		return refuse(why, WORD_SYNTAX, "seq: not a number");
	if (parse_command(out, f->command) != 0)
		return refuse(why, WORD_SYNTAX,
		    "command: not open ADDRESS SECONDS (%d to %d), close "
		    "ADDRESS, accept ID or reload",
		    COMMAND_OPEN_MIN_S, COMMAND_OPEN_MAX_S);
	return WORD_OK;
}

enum word
command_open(struct command *out, const void *text, size_t len,
    const struct keyring *keys, const char *host, const char *nonce,
    uint64_t seq, struct refusal *why)
{
	const struct trust_key *key = NULL;
	struct signify_sig sig;
	struct span signed_text;
	struct fields f;
	uint64_t seq_told = 0;
	size_t used;
	enum word w;

	memset(out, 0, sizeof *out);
	w = check_shape(text, len, why);
	if (w != WORD_OK)
		return w;
	if (signify_sig_parse(&sig, text, len, &used) != SIGNIFY_OK)
		return refuse(why, WORD_SYNTAX,
		    "the command does not begin with signature lines");
	signed_text.p = (const char *)text + used;
	signed_text.n = len - used;
	w = signed_check_key(keys, &key, &sig, signed_text, why);
	if (w == WORD_OK)
		w = signed_check_version(signed_text, KIND, why);
	if (w == WORD_OK)
		w = cut_fields(&f, signed_text, why);
	if (w == WORD_OK)
		w = parse_fields(out, &f, &seq_told, why);
	if (w != WORD_OK)
		return w;
	if (!span_is(f.host, host))
		return refuse(why, WORD_NOT_FOR_ME, "made for another host");
	if (!span_is(f.nonce, nonce))
		return refuse(why, WORD_STALE, "made for another connection");
	if (seq_told != seq)
		return refuse(why, WORD_STALE, "seq: not %" PRIu64, seq);
	if (!keyring_allows(key, out->verb, 0, NULL, NULL))
		return refuse(why, WORD_OUT_OF_SCOPE,
		    "key %s may not sign this: see its limits", key->name);
	memcpy(out->key_name, key->name, sizeof out->key_name);
	return WORD_OK;
}

/* --- building ------------------------------------------------------------- */

int
command_build(struct buf *out, const char *host, const char *nonce,
    uint64_t seq, const char *command)
{
	struct span line = {command, strlen(command)};
	struct command parsed;

	if (parse_command(&parsed, line) != 0)
		return -1;
	return buf_printf(out,
	    KIND ": 1\nhost: %s\nnonce: %s\nseq: %" PRIu64 "\ncommand: %s\n\n",
	    host, nonce, seq, command);
}
