#ifndef CMD_PLAN_H
#define CMD_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/clock.h"
#include "cmd/document.h"
#include "cmd/hosts.h"
#include "cmd/options.h"

/* What hotfix push or publish was told, and what it makes of it. */

/* Clients that may fail where nothing else is said: one in a hundred, and
 * never fewer than a few players with broken machines, but never all. */
#define PLAN_FAILED_PERCENT 1
#define PLAN_FAILED_LEAST   3

/* Behind the wait a host has this time to take back what failed. */
#define PLAN_TAKE_BACK_MS 60000

struct plan {
	/* options */
	const char *server, *client, *both, *native;
	struct option_list modules[DOC_NPARTS]; /* NAME=FILE, of each side */
	const char *version, *platform, *program;
	const char *server_version, *server_program, *zone;
	const char *max_failed, *feature, *expires, *note, *on, *by;
	int64_t wait_ms, take_back_ms; /* -1: not said */
	int dry_run, allow_partial;
	struct option_list needs;
	/* Whole lines of fields: of a package, and what else struct doc_spec
	 * has no member for. Of a document that is made again: more of them. */
	const char *package;
	const char *key, *sign_with, *write, *again;
	struct fleet_options fleet;
	struct clock_options clock;

	/* made of them; spec's texts point here */
	struct doc_spec spec;
	struct buf parts[DOC_NPARTS];
	struct buf needs_text, versions, package_text;
	char feature_text[DOC_FEATURE + 1], wait_text[32], failed_text[32];
	struct document old; /* --again */
};

void plan_free(struct plan *p);

#define PLAN_TARGET_OPTIONS 6
/* The rows of whom it is for, for a verb's table. */
void plan_target_options(struct plan *p,
    struct option rows[PLAN_TARGET_OPTIONS]);

/* 1 when the options give such a part. */
int plan_has_part(const struct plan *p, enum doc_part_kind kind);

/*
 * The parts from their files, and the feature's name. A part of Lua is the text
 * of its file, then the modules (lua-host/wrap.h) in the order in which they
 * were given; the native part is a patch file, which is looked at. 0, or -1
 * with err.
 */
int plan_read_parts(struct plan *p, struct err *e);

/* The rest of the spec, with what the hosts told where nothing was said.
 * 0, or -1 with err. */
int plan_make(struct plan *p, const struct hosts *h, int64_t now_us,
    struct err *e);

/* Whether a document can be made of what was said, whatever hosts tell: 0, or
 * -1 with err. Asks nobody, signs nothing; plan_make or plan_make_again then
 * starts over. */
int plan_try(struct plan *p, int64_t now_us, struct err *e);

/* The spec of the old document under a new id. 0, or -1 with err. */
int plan_make_again(struct plan *p, int64_t now_us, struct err *e);

#endif
