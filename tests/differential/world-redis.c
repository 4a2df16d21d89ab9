/* SPDX-License-Identifier: Apache-2.0 */
/* The world in Redis: hashes on a server, with and without indexes, and in a cluster, and documents whose
 * times are numbers. Filled by hiredis from strict.db. */
#include "world.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "servers.h"

#define MOST_WORDS 32

/* A command's words, and a redirection, where one comes. */
struct command {
	const char *words[MOST_WORDS];
	size_t sizes[MOST_WORDS];
	int count;
};

static struct {
	unsigned port, number;
	redisContext *context;
} nodes[6]; /* three databases of the server, and those of the cluster */
static unsigned nnodes;
static uint64_t state; /* of the choices between words for the same */

/* A connection to that database there, which has a number. */
static redisContext *node_at(unsigned port, unsigned number)
{
	unsigned i;

	for (i = 0; i < nnodes; i++)
		if (nodes[i].port == port && nodes[i].number == number)
			return nodes[i].context;
	if (nnodes == sizeof(nodes) / sizeof(*nodes))
		abort();
	nodes[nnodes].port = port;
	nodes[nnodes].number = number;
	nodes[nnodes].context = redisConnect("127.0.0.1", (int)port);
	if (!nodes[nnodes].context || nodes[nnodes].context->err)
		abort();
	if (number)
		freeReplyObject(redisCommand(nodes[nnodes].context, "SELECT %u", number));
	return nodes[nnodes++].context;
}

/* --- values --- */

static void print_time(int64_t micros, struct consort_buffer *out)
{
	int64_t seconds = micros / 1000000 - (micros % 1000000 < 0);
	time_t clock = (time_t)seconds;
	struct tm tm;

	gmtime_r(&clock, &tm);
	consort_buffer_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
			      tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (micros - seconds * 1000000)
		consort_buffer_printf(out, ".%06d", (int)(micros - seconds * 1000000));
	consort_buffer_char(out, 'Z');
}

static void print_uuid(const unsigned char *uuid, struct consort_buffer *out)
{
	int i;

	for (i = 0; i < 16; i++)
		consort_buffer_printf(out, "%s%02x", i >= 4 && i <= 10 && !(i % 2) ? "-" : "", uuid[i]);
}

static void print_bytes(const unsigned char *data, int size, const char *codec, struct consort_buffer *out)
{
	int i;

	if (!codec) {
		consort_buffer_append(out, data ? data : (const unsigned char *)"", (size_t)size);
		return;
	}
	consort_buffer_text(out, "\\x");
	for (i = 0; i < size; i++)
		consort_buffer_printf(out, "%02x", data[i]);
}

/* The text that stands for the value of a column. */
static void print_value(char home, const struct world_resource *of, sqlite3_stmt *rows, unsigned attribute,
			struct consort_buffer *out)
{
	const char *type = of->attributes[attribute].type, *codec = world_codec(home, of, attribute);
	int column = (int)attribute;
	int64_t integer = sqlite3_column_int64(rows, column);

	if (!strcmp(type, "timestamp") && !codec)
		print_time(integer, out);
	else if (!strcmp(type, "time") && !codec)
		consort_buffer_printf(out, "%02d:%02d:%02d.%06d", (int)(integer / 3600000000),
				      (int)(integer / 60000000 % 60), (int)(integer / 1000000 % 60),
				      (int)(integer % 1000000));
	else if (!strcmp(type, "bool") && !codec)
		consort_buffer_text(out, integer ? "true" : "false");
	else if (!strcmp(type, "date") && codec)
		consort_buffer_printf(out, "%" PRId64,
				      world_days((const char *)sqlite3_column_text(rows, column)));
	else if (!strcmp(type, "uuid"))
		print_uuid(sqlite3_column_blob(rows, column), out);
	else if (!strcmp(type, "bytes"))
		print_bytes(sqlite3_column_blob(rows, column), sqlite3_column_bytes(rows, column), codec,
			    out);
	else if (!strcmp(type, "float64"))
		consort_buffer_printf(out, "%.17g", sqlite3_column_double(rows, column));
	else
		consort_buffer_append(out, sqlite3_column_text(rows, column),
				      (size_t)sqlite3_column_bytes(rows, column));
}

/* --- records --- */

static void add_word(struct command *command, struct consort_buffer *text)
{
	command->sizes[command->count] = text->size;
	command->words[command->count++] = consort_buffer_steal(text);
}

static void add_text(struct command *command, const char *word)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_text(&text, word);
	add_word(command, &text);
}

static void add_fields(struct command *command, char home, const struct world_resource *of,
		       sqlite3_stmt *rows)
{
	unsigned i;

	for (i = 1; of->attributes[i].name; i++) {
		struct consort_buffer text = CONSORT_BUFFER_INIT;

		if (sqlite3_column_type(rows, (int)i) == SQLITE_NULL)
			continue;
		add_text(command, of->attributes[i].name);
		consort_buffer_text(&text, "");
		print_value(home, of, rows, i, &text);
		add_word(command, &text);
	}
	if (command->count == 2 || world_below(&state, 2)) {
		add_text(command, "nobody's");
		add_text(command, "field");
	}
}

static void quote(const struct consort_buffer *text, struct consort_buffer *out)
{
	uint64_t i;

	consort_buffer_char(out, '"');
	for (i = 0; i < text->size; i++)
		if (strchr("\"\\\n", text->data[i]))
			consort_buffer_printf(out, "\\u%04x", (unsigned)text->data[i]);
		else
			consort_buffer_char(out, text->data[i]);
	consort_buffer_char(out, '"');
}

/* Does a value of the type stand in a document without quotes? */
static int is_bare(const char *type, const char *codec, const char *text)
{
	return (codec && strcmp(codec, "hex") && strcmp(codec, "text")) || !strcmp(type, "json") ||
	       ((!strncmp(type, "int64", 5) || !strcmp(type, "float64") || !strncmp(type, "decimal", 7)) &&
		!strchr(text, 'n') && world_below(&state, 4));
}

static void add_document(struct command *command, char home, const struct world_resource *of,
			 sqlite3_stmt *rows)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT, text = CONSORT_BUFFER_INIT;
	unsigned i;

	consort_buffer_text(&out, "{\"nobody's\": [1, {}]");
	for (i = 1; of->attributes[i].name; i++) {
		const struct world_attribute *attribute = &of->attributes[i];

		consort_buffer_reset(&text);
		consort_buffer_text(&text, "");
		if (sqlite3_column_type(rows, (int)i) != SQLITE_NULL)
			print_value(home, of, rows, i, &text);
		else if (world_below(&state, 2))
			consort_buffer_text(&text, "null");
		else
			continue;
		consort_buffer_printf(&out, ", \"%s\": ", attribute->name);
		if (sqlite3_column_type(rows, (int)i) == SQLITE_NULL ||
		    is_bare(attribute->type, world_codec(home, of, i), text.data))
			consort_buffer_text(&out, text.data);
		else
			quote(&text, &out);
	}
	consort_buffer_char(&out, '}');
	consort_buffer_clear(&text);
	add_word(command, &out);
}

static void run(redisContext *context, struct command *command)
{
	redisReply *reply;
	unsigned port;
	int i;

	reply = redisCommandArgv(context, command->count, command->words, command->sizes);
	if (reply && reply->type == REDIS_REPLY_ERROR &&
	    sscanf(reply->str, "MOVED %*u 127.0.0.1:%u", &port) == 1) {
		freeReplyObject(reply);
		reply = redisCommandArgv(node_at(port, 0), command->count, command->words, command->sizes);
	}
	if (!reply || reply->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "%s: %s\n", command->words[0], reply ? reply->str : context->errstr);
		abort();
	}
	freeReplyObject(reply);
	for (i = 0; i < command->count; i++)
		free((void *)(uintptr_t)command->words[i]);
}

static void make(char home, redisContext *context, unsigned skipped)
{
	sqlite3 *from = world_oracle();
	size_t i;

	for (i = skipped; i < WORLD_RESOURCES; i++) {
		const struct world_resource *of = &world_resources[i];
		sqlite3_stmt *rows = world_rows(from, of);

		while (sqlite3_step(rows) == SQLITE_ROW) {
			struct consort_buffer key = CONSORT_BUFFER_INIT;
			struct command command = {{NULL}, {0}, 0};

			add_text(&command, home == 'j' ? "SET" : "HSET");
			consort_buffer_printf(&key, "%s_%c_%s:", getenv("WORLD"), home, of->table);
			print_value(home, of, rows, 0, &key);
			add_word(&command, &key);
			if (home == 'j')
				add_document(&command, home, of, rows);
			else
				add_fields(&command, home, of, rows);
			run(context, &command);
		}
		sqlite3_finalize(rows);
	}
	sqlite3_close(from);
}

void world_make_redis(uint64_t seed, unsigned skipped)
{
	unsigned port = (unsigned)atoi(servers_get("redis", "PORT"));
	const char *first = strchr(servers_get("redis-cluster", "NODES"), ':') + 1;

	state = seed;
	make('r', node_at(port, 1), skipped);
	make('j', node_at(port, 2), skipped);
	make('i', node_at(port, 3), skipped);
	make('c', node_at((unsigned)atoi(first), 0), skipped);
}

void world_drop_redis(void)
{
	unsigned i;

	for (i = 0; i < nnodes; i++) {
		redisReply *keys = redisCommand(nodes[i].context, "KEYS *%s_*", getenv("WORLD"));
		size_t j;

		for (j = 0; keys && j < keys->elements; j++)
			freeReplyObject(redisCommand(nodes[i].context, "UNLINK %b", keys->element[j]->str,
						     keys->element[j]->len));
		freeReplyObject(keys);
		redisFree(nodes[i].context);
	}
	nnodes = 0;
}
