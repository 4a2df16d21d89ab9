/* SPDX-License-Identifier: Apache-2.0 */
/* Records by sets of keys, and what relationships lead to from many: keys given twice, NULL, unknown, and
 * more than one set of them; where the engine looks up keys, and where it is read whole. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#define CHILDREN 2600 /* more than two sets of keys */

static const char manifest[] =
	"[database db]\ntype = sqlite\npath = things.db\n"
	"[database plain]\ntype = sqlite\npath = plain.db\nfeatures = -key_lookup -join\n"
	"[resource child]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.parent = int64\n"
	"relationship.up = parent, parent -> id\nrelationship.far = other, parent -> id\n"
	"[resource parent]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.name = text\n"
	"relationship.down = child, id -> parent\n"
	"[resource other]\ndatabase = plain\nsource = parent\nkey = id\nattribute.id = int64\n"
	"attribute.name = text\n"
	"[resource pair]\ndatabase = db\nkey = a, b\nattribute.a = int64\nattribute.b = text\n"
	"attribute.n = int64\n";

/* Child i belongs to parent i % 1500, every seventh to nobody; there is no parent 5. */
static struct consort *open_family(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);
	const char *databases[] = {"db", "plain"};
	struct consort_cursor *rows = NULL;
	size_t i;

	API_OK(consort_define(c, "child", 0, NULL, &error));
	API_OK(consort_define(c, "parent", 0, NULL, &error));
	API_OK(consort_define(c, "other", 0, NULL, &error));
	API_OK(consort_define(c, "pair", 0, NULL, &error));
	for (i = 0; i < 2; i++) {
		API_OK(consort_native(
			c, databases[i],
			"with recursive i(i) as (select 0 union all select i + 1 from i where i < "
			"1499) insert into parent select i, 'p' || i from i where i <> 5",
			CONSORT_NO_ARGS, &rows, NULL, &error));
		consort_cursor_close(rows);
	}
	API_OK(consort_native(
		c, "db",
		"with recursive i(i) as (select 1 union all select i + 1 from i where i < ?1) insert "
		"into child select i, case when i % 7 then i % 1500 end from i",
		CONSORT_ARGS(consort_int64(CHILDREN)), &rows, NULL, &error));
	consort_cursor_close(rows);
	return c;
}

static struct consort_record *get(struct consort *c, const char *resource, int64_t id)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	API_OK(consort_get(c, resource, CONSORT_ARGS(consort_int64(id)), &r, &error));
	return r;
}

static void check_to_one(struct consort *c, struct consort_record *const *children, const char *relationship)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	char name[16];
	int64_t i;

	API_OK(consort_load(c, children, CHILDREN, relationship, &rows, &error));
	for (i = 0; i < CHILDREN; i++) {
		int64_t parent = (i + 1) % 1500;

		if ((i + 1) % 7 == 0 || parent == 5)
			continue;
		CU_ASSERT_TRUE_FATAL(consort_cursor_next(rows, &error));
		CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), i);
		CU_ASSERT_EQUAL(consort_cursor_int64(rows, 1), parent);
		snprintf(name, sizeof(name), "p%d", (int)parent);
		TESTING_TEXT(consort_cursor_text(rows, 2), name);
	}
	CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	consort_cursor_close(rows);
}

static void test_to_one(void)
{
	struct consort *c = open_family();
	struct consort_record **children = calloc(CHILDREN, sizeof(struct consort_record *));
	int64_t i;

	for (i = 0; i < CHILDREN; i++)
		children[i] = get(c, "child", i + 1);
	check_to_one(c, children, "up");
	check_to_one(c, children, "far");
	for (i = 0; i < CHILDREN; i++)
		consort_record_free(children[i]);
	free(children);
	consort_close(c);
}

/* Each record gives what belongs to it, also the one that comes twice. */
static void test_to_many(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_family();
	struct consort_record *records[] = {get(c, "parent", 1), get(c, "parent", 0), get(c, "parent", 1),
					    get(c, "parent", 7), consort_record_new(c, "parent")};
	struct consort_cursor *rows = NULL;
	size_t i;

	API_OK(consort_load(c, records, 5, "down", &rows, &error));
	TESTING_TEXT(api_read(rows, &error), "0,1,1;0,1501,1;1,1500,0;2,1,1;2,1501,1;3,1507,7");
	consort_cursor_close(rows);
	API_OK(consort_load(c, &records[4], 1, "down", &rows, &error));
	TESTING_TEXT(api_read(rows, &error), "");
	consort_cursor_close(rows);
	for (i = 0; i < 5; i++)
		consort_record_free(records[i]);
	consort_close(c);
}

static const char *get_many(struct consort *c, const char *resource, const struct consort_args *keys,
			    size_t count)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	const char *text;

	if (consort_get_many(c, resource, keys, count, &rows, &error))
		return api_error(&error);
	text = api_read(rows, &error);
	consort_cursor_close(rows);
	return text;
}

static void test_by_keys(void)
{
	const struct consort_args keys[] = {
		CONSORT_ARGS(consort_int64(9)), CONSORT_ARGS(consort_int64(5)),
		CONSORT_ARGS(consort_int64(2)), CONSORT_ARGS(consort_int64(9)),
		CONSORT_ARGS(consort_null()),
	};
	const struct consort_args pairs[] = {
		CONSORT_ARGS(consort_int64(1), consort_text("y")),
		CONSORT_ARGS(consort_int64(2), consort_text("x")),
		CONSORT_ARGS(consort_int64(2), consort_text("y")),
		CONSORT_ARGS(consort_int64(1), consort_null()),
	};
	struct consort *c = open_family();
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	TESTING_TEXT(get_many(c, "parent", keys, 5), "9,p9;2,p2;9,p9");
	TESTING_TEXT(get_many(c, "other", keys, 5), "9,p9;2,p2;9,p9");
	TESTING_TEXT(get_many(c, "parent", NULL, 0), "");
	API_OK(consort_native(c, "db", "insert into pair values (1, 'x', 1), (1, 'y', 2), (2, 'x', 3)",
			      CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	TESTING_TEXT(get_many(c, "pair", pairs, 4), "1,y,2;2,x,3");
	TESTING_TEXT(get_many(c, "pair", keys, 1),
		     "status 1: key 1: pair: the key has 2 attributes, but 1 value was given");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"to-one", test_to_one}, {"to-many", test_to_many}, {"by-keys", test_by_keys}, {NULL, NULL}};

	return testing_main("load", cases, argc, argv);
}
