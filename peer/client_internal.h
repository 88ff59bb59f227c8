#ifndef PEER_CLIENT_INTERNAL_H
#define PEER_CLIENT_INTERNAL_H

#include "peer/client.h"

#include "net/frame.h"
#include "update/catalog.h"

/* Shared by client.c (the connection) and client_update.c (documents). */

#define CLIENT_NONCE 64  /* hex digits of a greeting's nonce */
#define CLIENT_WHY   512 /* a refusal's text, escaped, and a few words */

enum client_state {
	CLIENT_IDLE,        /* a connection is wanted */
	CLIENT_WAITING,     /* one will be, at deadline_ns */
	CLIENT_CONNECTING,  /* the owner tries to make one */
	CLIENT_GREETING,    /* it stands; the greeting is awaited */
	CLIENT_LOGIN,       /* LOGIN was sent; WELCOME is awaited */
	CLIENT_CATCHING_UP, /* logged in; updates that waited are coming */
	CLIENT_WELCOME,     /* logged in, and the program was told */
	CLIENT_ENDING,      /* given up; the owner is to close it */
	CLIENT_FAILED,      /* closed, and no other is wanted */
};

struct client {
	enum client_state state;
	struct link link;
	int64_t deadline_ns; /* of the state; -1: none */

	/* the config's, owned; texts are "" where nothing was given */
	char *id, *program, *version, *platform, *release, *host_name;
	uint8_t *token; /* NULL: none */
	size_t token_len;
	struct keyring keys;
	int64_t floor_us;
	struct peer_clock clock;
	struct client_callbacks cb;

	/* of the host that greeted last, owned; "" where it told nothing */
	char *host, *zone;
	char nonce[CLIENT_NONCE + 1];
	int64_t greeted_us; /* its time then */
	int64_t greeted_ns; /* our monotonic time then */

	struct catalog catalog;
	int64_t verified_us; /* the highest created of a verified document */

	uint64_t nwaiting;     /* updates to come before the welcome event */
	int64_t last_login_us; /* 0: none */
	int64_t logged_in_ns;  /* -1: not on this connection */
	int welcomed;          /* the event was sent on this connection */

	unsigned nfailures; /* in a row; decides the next wait */
	uint64_t random;
	int failed;
	char why[CLIENT_WHY]; /* "": the owner knows better */
};

/* --- client.c --- */

void client_log(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int64_t client_now_ns(const struct client *c);
/* The host's time, as far as it can be known. */
int64_t client_host_us(const struct client *c);
/* What came does not parse: say so and end the connection. */
void client_syntax(struct client *c, const char *what);
/* One of the updates that waited has its result. */
void client_caught_up(struct client *c);

/* --- client_update.c --- */

/* A complete frame of this verb. */
void client_take_update(struct client *c, const struct frame *f);
void client_take_revert(struct client *c, const struct frame *f);
void client_take_check(struct client *c, const struct frame *f); /* and APPLY */
/* 1 when the record's update runs here. */
int client_runs(const struct record *r);

#endif
