/* Options, by table. */

#include "cmd/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define NCOMMON    4
#define WORD_SHOWN 128 /* of an argument in a message */

/* One table of both: the verb's own rows, then everybody's. */
struct parser {
	struct say *say;
	const struct usage *usage;
	struct option common[NCOMMON];
	int help;
};

int
options_complain(const struct say *s, const char *fmt, ...)
{
	char line[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	say_error(s, "%s; see hotfix %s -h", line, s->verb);
	return ERR_USAGE;
}

static const struct option *
option_at(const struct parser *p, size_t i)
{
	if (i < p->usage->noptions)
		return &p->usage->options[i];
	i -= p->usage->noptions;
	if (i < p->usage->nshared)
		return &p->usage->shared[i];
	i -= p->usage->nshared;
	return i < NCOMMON ? &p->common[i] : NULL;
}

static const struct option *
find_letter(const struct parser *p, char letter)
{
	const struct option *o;
	size_t i;

	for (i = 0; (o = option_at(p, i)) != NULL; i++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static const struct option *
find_name(const struct parser *p, const char *name, size_t len)
{
	const struct option *o;
	size_t i;

	for (i = 0; (o = option_at(p, i)) != NULL; i++)
		if (o->name != NULL && strlen(o->name) == len &&
		    memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

/* How the option is called in messages. */
static const char *
title(const struct option *o, char out[WORD_SHOWN])
{
	if (o->name != NULL)
		snprintf(out, WORD_SHOWN, "--%s", o->name);
	else
		snprintf(out, WORD_SHOWN, "-%c", o->letter);
	return out;
}

/* 1 when what an option calls its value is a way to somewhere. */
static int
is_place(const char *value)
{
	static const char *const words[] = {
	    "FILE", "DIR", "PLACE", "URL", "PACKAGE", "OLD.tar"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(value, words[i]) == 0)
			return 1;
	return 0;
}

/* The option with its value (NULL: a flag) takes effect: 0, or 2. */
static int
take(const struct parser *p, const struct option *o, const char *value)
{
	char name[WORD_SHOWN], shown[WORD_SHOWN];
	int twice = 0;

	title(o, name);
	/* As of a variable of the shell that is not set: no path, and joined
	 * with a name it would be one at the root. */
	if (value != NULL && *value == '\0' && is_place(o->value))
		return options_complain(p->say, "%s: its %s is empty", name,
		    o->value);
	if (o->flag != NULL) {
		twice = *o->flag;
		*o->flag = 1;
	} else if (o->text != NULL) {
		twice = *o->text != NULL;
		*o->text = value;
	} else if (o->ms != NULL) {
		twice = *o->ms >= 0;
		if (num_parse_duration(value, strlen(value), o->ms) != 0)
			return options_complain(p->say,
			    "%s: '%s' is no duration, such as 10s or 5m", name,
			    text_escape(shown, sizeof shown, value,
				strlen(value), 0));
	} else {
		if (o->list->n == OPTION_LIST_MAX)
			return options_complain(p->say,
			    "%s: more than %d times", name, OPTION_LIST_MAX);
		o->list->items[o->list->n++] = value;
	}
	if (twice)
		return options_complain(p->say, "%s: given twice", name);
	return 0;
}

/* A long option that is not in the tables. */
static int
refuse_name(const struct parser *p, const char *name, size_t len)
{
	const char *const *later = p->usage->later;
	char shown[WORD_SHOWN];

	for (; later != NULL && *later != NULL; later++)
		if (strlen(*later) == len && memcmp(*later, name, len) == 0)
			return options_complain(p->say,
			    "--%s: not in this version", *later);
	return options_complain(p->say, "no such option: --%s",
	    text_escape(shown, sizeof shown, name, len, 0));
}

/* argv[*at] is "--...". */
static int
long_option(const struct parser *p, int argc, char **argv, int *at)
{
	const char *arg = argv[*at] + 2;
	const char *eq = strchr(arg, '=');
	size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
	const struct option *o = find_name(p, arg, len);

	if (o == NULL)
		return refuse_name(p, arg, len);
	if (o->value == NULL && eq != NULL)
		return options_complain(p->say, "--%s takes no value", o->name);
	if (o->value == NULL)
		return take(p, o, NULL);
	if (eq != NULL)
		return take(p, o, eq + 1);
	if (*at + 1 == argc)
		return options_complain(p->say, "--%s: its %s is missing",
		    o->name, o->value);
	return take(p, o, argv[++*at]);
}

/* argv[*at] is "-x...". */
static int
short_options(const struct parser *p, int argc, char **argv, int *at)
{
	const char *c = argv[*at] + 1;
	const struct option *o;
	char shown[WORD_SHOWN];
	int bad;

	for (; *c != '\0'; c++) {
		o = find_letter(p, *c);
		if (o == NULL)
			return options_complain(p->say, "no such option: %s",
			    text_escape(shown, sizeof shown, argv[*at],
				strlen(argv[*at]), 0));
		if (o->value == NULL) {
			bad = take(p, o, NULL);
			if (bad != 0)
				return bad;
			continue;
		}
		if (c[1] != '\0')
			return take(p, o, c + 1);
		if (*at + 1 == argc)
			return options_complain(p->say,
			    "-%c: its %s is missing", o->letter, o->value);
		return take(p, o, argv[++*at]);
	}
	return 0;
}

static void
print_usage(const struct parser *p)
{
	const struct option *o;
	char left[64];
	size_t i;
	int n;

	printf("usage: hotfix %s %s\n%s", p->say->verb, p->usage->synopsis,
	    p->usage->about);
	for (i = 0; (o = option_at(p, i)) != NULL; i++) {
		n = o->letter != 0 ? snprintf(left, sizeof left, "-%c%s",
					 o->letter, o->name != NULL ? ", " : "")
				   : snprintf(left, sizeof left, "    ");
		snprintf(left + n, sizeof left - (size_t)n, "%s%s%s%s",
		    o->name != NULL ? "--" : "", o->name != NULL ? o->name : "",
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		printf("  %-30s %s\n", left, o->what);
	}
}

static void
set_common(struct parser *p)
{
	const struct option common[NCOMMON] = {
	    {'q', "quiet", NULL, "no talk, errors only",
		.flag = &p->say->quiet},
	    {'v', "verbose", NULL, "more talk", .flag = &p->say->verbose},
	    {0, "json", NULL, "results as JSON, an object a line",
		.flag = &p->say->json},
	    {'h', "help", NULL, "this text", .flag = &p->help},
	};

	memcpy(p->common, common, sizeof common);
}

int
options_parse(struct say *s, const struct usage *u, int argc, char **argv,
    char ***operands, size_t *noperands)
{
	struct parser p = {s, u, {{0}}, 0};
	int kept = 1; /* operands are moved to the front, behind the verb */
	int at, bad;

	s->verb = argv[0];
	set_common(&p);
	for (at = 1; at < argc; at++) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (argv[at][0] != '-' || argv[at][1] == '\0') {
			if (u->has_script)
				break;
			argv[kept++] = argv[at];
			continue;
		}
		bad = argv[at][1] == '-' ? long_option(&p, argc, argv, &at)
					 : short_options(&p, argc, argv, &at);
		if (bad != 0)
			return bad;
		if (p.help) {
			print_usage(&p);
			return 0;
		}
	}
	while (at < argc)
		argv[kept++] = argv[at++];
	*operands = argv + 1;
	*noperands = (size_t)(kept - 1);
	return OPTIONS_GO_ON;
}
