/* SPDX-License-Identifier: Apache-2.0 */
/* One set of tests, several engines. */
#include "engines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

static const struct engine {
	const char *name;
	const char *variable; /* of the environment, that tells where; NULL: needs nothing */
	const char *section;  /* %s: what it tells */
	const char *how;
	uint32_t lacks;
} engines[] = {
	{"sqlite", NULL, "type = sqlite\npath = transactions.db\n%s", NULL, 0},
	{"postgres", "CONSORT_TEST_POSTGRES_DSN", "type = postgres\ndsn = %s\n",
	 "set CONSORT_TEST_POSTGRES_DSN to a server's DSN (scripts/servers start postgres)", 0},
	{"mongodb", "CONSORT_TEST_MONGODB_RS_URI", "type = mongodb\nuri = \"%s\"\ndbname = transactions\n",
	 "set CONSORT_TEST_MONGODB_RS_URI to a replica set's URI (scripts/servers start mongodb-rs)",
	 ENGINES_SAVEPOINTS | ENGINES_SERIALIZABLE | ENGINES_DEFINES | ENGINES_DEFERS},
	{"redis", "CONSORT_TEST_REDIS_PORT", "type = redis\nport = %s\n",
	 "set CONSORT_TEST_REDIS_PORT to a server's port (scripts/servers start redis)",
	 ENGINES_SAVEPOINTS | ENGINES_SERIALIZABLE | ENGINES_DEFINES | ENGINES_DEFERS | ENGINES_REPEATS |
		 ENGINES_READS_OWN},
};

#define ENGINES (sizeof(engines) / sizeof(engines[0]))
#define CASES 64

int engines_main(const char *topic, const struct testing_case *cases, int argc, char **argv)
{
	struct testing_case all[ENGINES * CASES + 1] = {{NULL, NULL}};
	size_t count = 0, i;

	for (; cases->name && count < ENGINES * CASES; cases++) {
		for (i = 0; i < ENGINES; i++) {
			char *name = NULL;

			if (asprintf(&name, "%s-%s", engines[i].name, cases->name) < 0)
				return 1;
			all[count].name = testing_keep(name);
			all[count++].run = cases->run;
		}
	}
	return testing_main(topic, all, argc, argv);
}

/* The engine whose case runs. */
static const struct engine *this_engine(void)
{
	const char *name = testing_name();
	size_t i;

	for (i = 0; i < ENGINES; i++)
		if (!strncmp(name, engines[i].name, strlen(engines[i].name)))
			return &engines[i];
	abort();
}

bool engines_have(uint32_t what)
{
	return !(this_engine()->lacks & what);
}

static struct consort *open_engine(const char *keys, const char *sections)
{
	const struct engine *engine = this_engine();
	const char *where = engine->variable ? getenv(engine->variable) : "";
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char adapter[4096];
	struct consort *c;

	snprintf(adapter, sizeof(adapter), "%s/consort-%s.so", testing_plugins(), engine->name);
	if (!where || access(adapter, R_OK))
		testing_skip(where ? "this build has no such adapter" : engine->how);
	consort_buffer_text(&text, "[database db]\n");
	consort_buffer_printf(&text, engine->section, where);
	consort_buffer_printf(
		&text,
		"%s\n[resource account]\ndatabase = db\nsource = account_%ld\nkey = id\n"
		"attribute.id = int64\nattribute.owner = text not null\nattribute.balance = int64\n%s\n",
		keys, (long)getpid(), sections);
	c = api_open(text.data);
	consort_buffer_clear(&text);
	return c;
}

struct consort *engines_open(const char *keys, const char *sections)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_engine(keys, sections);

	API_OK(consort_drop(c, "account", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	API_OK(consort_define(c, "account", 0, NULL, &error));
	return c;
}

struct consort *engines_open_with(uint32_t what, const char *keys, const char *sections)
{
	if (!engines_have(what))
		testing_skip("this engine's transactions do not have what the case is about");
	return engines_open(keys, sections);
}

struct consort *engines_open_again(const char *keys, const char *sections)
{
	return open_engine(keys, sections);
}

void engines_close(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_drop(c, "account", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	consort_close(c);
}

enum consort_status account_create(struct consort *c, int64_t id, const char *owner, int64_t balance,
				   struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "account");
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "owner", owner ? consort_text(owner) : consort_null());
	consort_record_set(r, "balance", consort_int64(balance));
	status = consort_create(c, r, error);
	consort_record_free(r);
	return status;
}

enum consort_status account_set(struct consort *c, int64_t id, int64_t balance, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "account");
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "balance", consort_int64(balance));
	status = consort_update(c, r, error);
	consort_record_free(r);
	return status;
}

const char *account_ids(struct consort *c)
{
	const char *text = api_find(c, "account", "id", NULL, "id");
	char *copy = strdup(text), *at;

	for (at = copy; at && *at; at++)
		if (*at == ';')
			*at = ',';
	return testing_keep(copy);
}
