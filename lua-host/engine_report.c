/* What people are told of an update. */

#include "lua-host/engine_impl.h"
#include "base/text.h"

#include <string.h>

const char *
engine_result_name(enum engine_result r)
{
	static const char *const names[] = {"applied", "have", "deferred",
	    "failed", "partial", "hung", "reverted"};

	return names[r];
}

void
engine_report_init(struct engine_report *r)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->text);
}

void
engine_report_free(struct engine_report *r)
{
	buf_free(&r->text);
	engine_report_init(r);
}

int
engine_report_is_full(const struct engine_report *r)
{
	return ENGINE_REPORT_MAX - r->text.len < ENGINE_CUT;
}

void
engine_report_puts(struct engine_report *r, const char *text, size_t len)
{
	static const char more[ENGINE_CUT] = "...";
	size_t room = ENGINE_REPORT_MAX - r->text.len;

	if (len == 0 || engine_report_is_full(r))
		return;
	if (len <= room) {
		buf_append(&r->text, text, len);
		return;
	}
	/* Cut between characters: UTF-8 goes on with 10xxxxxx. */
	len = room - (sizeof more - 1);
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	buf_append(&r->text, text, len);
	buf_puts(&r->text, more);
}

void
engine_report_line(struct engine_report *r, const char *text, size_t len,
    int keep)
{
	char out[ENGINE_REPORT_MAX + 1];

	text_escape(out, sizeof out, text, len, keep);
	engine_report_puts(r, out, strlen(out));
	engine_report_puts(r, "\n", 1);
}

void
engine_report_top(lua_State *L, struct engine_report *r, int keep)
{
	size_t len;
	const char *s = lua_tolstring(L, -1, &len);

	engine_report_line(r, s, len, keep);
	lua_pop(L, 1);
}

void
engine_report_over(struct engine_report *r, const struct state *s,
    enum state_over over)
{
	char words[STATE_OVER_TEXT];
	const char *text = buf_text(&r->text);

	state_over_text(s, over, words);
	if (text == NULL || strstr(text, words) == NULL)
		engine_report_line(r, words, strlen(words), 0);
}
