#ifndef CMD_SEND_H
#define CMD_SEND_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/document.h"
#include "cmd/hosts.h"
#include "cmd/say.h"
#include "cmd/talk.h"

/*
 * What verbs that send documents have in common. Functions return
 * SEND_GO_ON, or the exit status after a message.
 */

#define SEND_GO_ON (-1)

/* A document whose clock is further off is refused as future or stale. */
#define SEND_CLOCK_US DOC_FUTURE_US

/*
 * Ask every host for its STATUS: is it there, may we speak, is its clock
 * ours. A host that does not answer is told; where all are needed it ends
 * this, within what the fleet's options allow, else the others go on without
 * it. So it is with one that answers and has another clock, which no option
 * allows. That there is none at all ends it unless none is needed.
 */
enum send_needs { SEND_NEEDS_NONE, SEND_NEEDS_ONE, SEND_NEEDS_ALL };
int send_survey(struct say *s, struct talk *t, struct hosts *h,
    enum send_needs needs);

/* Where --write goes (NULL: nowhere): standard output has either the document
 * or results. SEND_GO_ON, or 2. */
int send_check_write(const struct say *s, const char *path,
    const struct hosts *h);

/*
 * What is done with a document that was just made: written to path (NULL: it
 * is not), told, unless it went to standard output, and sent to the hosts
 * that there are. Returns the exit status.
 */
int send_made(struct say *s, struct talk *t, struct hosts *h,
    const struct document *d, const char *path, const char *good);

/* "id:", "feature:", "bytes:" before anything is sent. */
int send_announce(struct say *s, const struct document *d);

/*
 * Send the document to all, in batches, and print each host's record. good
 * as in host_line_status. Hosts that it is not for are skipped: they end no
 * batch and change nothing, as long as another one took it. Returns the exit
 * status.
 */
int send_document(struct say *s, struct talk *t, struct hosts *h,
    const struct document *d, const char *good);

/* The message for TALK_INTERRUPTED, and its status; unsent is what to say
 * where none of the hosts was sent anything. */
int send_interrupted(const struct say *s, const struct hosts *h,
    const char *unsent);

/* "NAME: reason" for a host that did not do as asked. */
void send_complain(const struct say *s, const struct host_line *l);

#endif
