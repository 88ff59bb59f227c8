#ifndef UPDATE_LEDGER_H
#define UPDATE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * The ledger of a host: append-only text, one event a line, each line
 * carrying the digest of the one before, synced before it is acted on.
 *
 *	PREV TIME EVENT name=value name=value ...
 *
 * PREV is the first 32 hex digits of the SHA-512 of the line before, its LF
 * included (32 zeros on the first line); TIME an instant with six digits;
 * EVENT lower-case letters and '-'; a name lower-case letters, digits and
 * '-', once a line; all parted by single spaces.
 *
 * A value is any bytes but NUL, in one spelling: the characters of clean
 * UTF-8 (base/text.h) stand for themselves, but for space and '%'; these
 * and every byte that is not part of a clean character are %xx, lower-case
 * hex. So a line is clean text, and a decoded value need not be.
 *
 * A line has at most LEDGER_LINE bytes with its LF.
 */

#define LEDGER_LINE   4096
#define LEDGER_FIELDS 16

struct ledger_field {
	const char *name, *value;
};

struct ledger_event {
	int64_t time_us;
	const char *event;
	struct ledger_field fields[LEDGER_FIELDS];
	size_t nfields;
};

/* The value of a field, NULL when absent. */
const char *ledger_get(const struct ledger_event *ev, const char *name);

/*
 * Pure: the len bytes of one line without its LF, changed in place (values
 * decoded, NULs; line[len], where the LF was, becomes one too). ev points
 * into line. prev: 32 digits and a NUL of what PREV must be, or NULL.
 * 0; -1: not a ledger line; -2: a ledger line whose PREV is another.
 */
int ledger_parse(struct ledger_event *ev, char *line, size_t len,
    const char *prev);

/* A ledger that is open for appending. */
struct ledger;

#define LEDGER_FILE "ledger" /* in the folder */

/*
 * Open dir/ledger, making it when it is not there (dir is there), and hand
 * every event to replay in order; replay returns 0, or -1 to stop with err
 * filled by it. The event is replay's for the call only.
 *
 * What a crash leaves is a last line of at most LEDGER_LINE bytes without
 * its LF, or with zeros in it: it is cut off the file, *torn set to its line
 * number, else to 0. Any other line that does not parse, any line that breaks
 * the chain: NULL, err names path, line and reason; what was replayed until
 * then is to be thrown away. Somebody else has it open, in
 * this process or another: NULL.
 *
 * Blocks for as long as reading the file takes; the file is never in memory
 * as a whole.
 */
struct ledger *ledger_open(const char *dir,
    int (*replay)(void *arg, const struct ledger_event *ev, struct err *e),
    void *arg, size_t *torn, struct err *e);
void ledger_close(struct ledger *l);

/*
 * Append one event and sync it: 0, or -1 with err; after -1 the file is as
 * before (a partial line is cut off again; if even that fails, or a sync
 * failed, every later append fails too, because what is on the disk is not
 * known any more). An event that does not fit the form or the line is
 * refused before anything is written.
 */
int ledger_append(struct ledger *l, const struct ledger_event *ev,
    struct err *e);

/*
 * The last n events (oldest first) as they stand in the file, without PREV,
 * one a line, appended to out. Reads from the end, no more than needed. 0,
 * or -1 and nothing is appended.
 */
int ledger_tail(const struct ledger *l, size_t n, struct buf *out,
    struct err *e);

/* Check the chain of a whole file's text: 0, or -1 with err (ERR_NO) naming
 * the line. *lines counts the good ones; a torn last line is an error. */
int ledger_check(const char *path, const char *text, size_t len, size_t *lines,
    struct err *e);

#endif
