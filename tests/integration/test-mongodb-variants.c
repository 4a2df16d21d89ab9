/* SPDX-License-Identifier: Apache-2.0 */
/* What MongoDB cannot do depends on the server and on who asks: each missing feature has its reason. */
#include "mongodb-server.h"

#include <stdio.h>
#include <string.h>

#include <consort/buffer.h>

#define ALONE "mongodb@variants"
#define SET "mongodb-rs@variants"

#define ROLES "this user's roles do not let it insert into this database"
#define SECONDARY "the server is a secondary of its replica set, which only reads"
#define STANDS_ALONE "transactions need a replica set, and this server stands alone"
#define PRIMARY "transactions are the primary's affair, and this server is a secondary"
#define CHANGES_ALONE "changes are told by replica sets, and this server stands alone"
#define CHANGES_ROLES "this user's roles do not let it see changes of this database"

/* The features that are missing besides those that the adapter has nowhere, in order of their numbers. */
static const char *missing(struct consort *c)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *why = NULL;
	uint32_t feature;

	consort_buffer_text(&text, "");
	CU_ASSERT_TRUE(consort_supports(c, "db", CONSORT_FEATURE_READ, &why));
	TESTING_TEXT(why, "");
	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++)
		if (!consort_supports(c, "db", feature, &why) &&
		    strcmp(why, "the adapter does not have it") != 0)
			consort_buffer_printf(&text, "%s: %s\n", consort_feature_name(feature), why);
	return testing_keep(consort_buffer_steal(&text));
}

/* "create: WHY\nupdate: …", of what writes, of transactions, of changes; NULL: they are there. */
static const char *expected(const char *writes, const char *transactions, const char *changes)
{
	static const struct {
		uint32_t feature;
		int kind;
	} all[] = {
		{CONSORT_FEATURE_CREATE, 0},	       {CONSORT_FEATURE_UPDATE, 0},
		{CONSORT_FEATURE_DELETE, 0},	       {CONSORT_FEATURE_UPSERT, 0},
		{CONSORT_FEATURE_BULK_WRITE, 0},       {CONSORT_FEATURE_RETURNING, 0},
		{CONSORT_FEATURE_DEFINE, 0},	       {CONSORT_FEATURE_INDEXES, 0},
		{CONSORT_FEATURE_TRANSACTIONS, 1},     {CONSORT_FEATURE_LAST_RESOURCE, 1},
		{CONSORT_FEATURE_READ_YOUR_WRITES, 1}, {CONSORT_FEATURE_ATOMIC_COMMIT, 1},
		{CONSORT_FEATURE_CHANGE_FEED, 2},
	};
	const char *const reasons[] = {writes, transactions, changes};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t feature;
	size_t i;

	consort_buffer_text(&text, "");
	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++)
		for (i = 0; i < sizeof(all) / sizeof(*all); i++)
			if (all[i].feature == feature && reasons[all[i].kind])
				consort_buffer_printf(&text, "%s: %s\n", consort_feature_name(feature),
						      reasons[all[i].kind]);
	return testing_keep(consort_buffer_steal(&text));
}

static void check(struct consort *c, const char *all)
{
	TESTING_TEXT(missing(c), all);
	items_answer(c);
}

static void test_alone(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, 3);

	check(c, expected(NULL, STANDS_ALONE, CHANGES_ALONE));
	consort_close(c);
}

static void test_primary(void)
{
	struct consort *c = mongodb_items(SET, NULL, 3);

	check(c, expected(NULL, NULL, NULL));
	consort_close(c);
}

/* A role that only reads; it sees changes where there are any. */
static void test_reader(void)
{
	static const char reader[] = "user = reader\npassword = s3cret\nauth_source = faults";
	struct consort *c = mongodb_items(ALONE, NULL, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;

	mongodb_make_user(ALONE, "reader", "read");
	other = api_open(mongodb_manifest(ALONE, NULL, reader));
	check(other, expected(ROLES, STANDS_ALONE, CHANGES_ALONE));
	CU_ASSERT_EQUAL(items_create(other, 100, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, ROLES);
	consort_close(other);
	consort_close(c);
	c = mongodb_items(SET, NULL, 3);
	mongodb_make_user(SET, "reader", "read");
	other = api_open(mongodb_manifest(SET, NULL, reader));
	check(other, expected(ROLES, NULL, NULL));
	consort_close(other);
	consort_close(c);
	mongodb_ask(ALONE, "faults", "{\"dropUser\": \"reader\"}");
	mongodb_ask(SET, "faults", "{\"dropUser\": \"reader\"}");
}

/* The only member of a set is a secondary when it has stepped down, and nobody else can be elected. It reads.
 */
static void test_secondary(void)
{
	struct consort *c = mongodb_items(SET, NULL, 3), *direct;
	struct consort_error error = CONSORT_ERROR_INIT;
	char uri[160];

	snprintf(uri, sizeof(uri),
		 "uri = mongodb://127.0.0.1:%s/?directConnection=true&readPreference=secondary",
		 servers_get(SET, "PORT"));
	mongodb_ask(SET, "admin", "{\"replSetStepDown\": 60, \"force\": true}");
	direct = api_open(mongodb_manifest(SET, NULL, uri));
	check(direct, expected(SECONDARY, PRIMARY, NULL));
	CU_ASSERT_EQUAL(items_create(direct, 100, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, SECONDARY);
	mongodb_ask(SET, "admin", "{\"replSetFreeze\": 0}");
	items_answer(c);
	consort_close(direct);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"alone", test_alone},
		{"primary", test_primary},
		{"secondary", test_secondary},
		{"reader", test_reader},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-variants", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(SET);
	return status;
}
