/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries mean the same whether the engine does a part of them or not. What is claimed to be exact is not
 * looked at again by the library, and what is claimed to contain all is, so that a difference shows either
 * claim to be wrong.
 */
#include "drive.h"

#include <stdio.h>

#define QUERIES 200

/* Runs fn with queries of its kind, over each resource. */
static void agree(struct conform *conform, size_t queries,
		  bool (*fn)(struct world *world, struct query_made *query))
{
	for (conform->which = 0; conform->which < (conform->nresources ? conform->nresources : 1);
	     conform->which++) {
		size_t i, ran = 0, made = 0;
		struct world world;

		world_open(&world, conform, NULL);
		world_fill(&world, WORLD_ROWS);
		for (i = 0; i < queries; i++) {
			struct query_made query = {.limit = -1};

			query_clear(&query);
			if (!fn(&world, &query))
				continue;
			made++;
			ran += query_compare(&world, &query);
			query_clear(&query);
		}
		REQUIRE(ran * 2 >= made, "of %zu queries only %zu could be run", made, ran);
		world_close(&world);
	}
}

static bool make_filter(struct world *world, struct query_made *query)
{
	query_where(world, query);
	return true;
}

static void test_filter(struct conform *conform)
{
	agree(conform, 2 * QUERIES, make_filter);
}

static bool make_sort(struct world *world, struct query_made *query)
{
	if (conform_below(world->conform, 2))
		query_where(world, query);
	query_order(world, query, true);
	return query->ordered;
}

static void test_sort(struct conform *conform)
{
	agree(conform, QUERIES, make_sort);
}

static bool make_limit(struct world *world, struct query_made *query)
{
	if (conform_below(world->conform, 3))
		query_where(world, query);
	query_order(world, query, true);
	query->limit = conform_below(world->conform, 12);
	query->offset = conform_below(world->conform, 3) ? -1 : (int64_t)conform_below(world->conform, 20);
	return query->ordered;
}

static void test_limit(struct conform *conform)
{
	agree(conform, QUERIES, make_limit);
}

/* --- aggregates --- */

static bool is_number(uint16_t type)
{
	return type == CONSORT_TYPE_INT64 || type == CONSORT_TYPE_FLOAT64 || type == CONSORT_TYPE_DECIMAL;
}

static void add_aggregate(struct world *world, struct query_made *query)
{
	static const char *const functions[] = {"count(", "count(distinct ", "min(", "max(", "sum(", "avg("};
	const struct consort_attribute *attribute =
		world->resource->attributes[conform_below(world->conform, world->resource->nattributes)];
	const uint16_t type = attribute->type.id;
	uint32_t most = is_number(type) ? 6 : 4, how;

	if (type == CONSORT_TYPE_LIST || type == CONSORT_TYPE_JSON || type == CONSORT_TYPE_BOOL)
		most = type == CONSORT_TYPE_BOOL ? 2 : 1;
	how = conform_below(world->conform, most);
	consort_buffer_printf(&query->select, "%s%s", query->select.size ? ", " : "", functions[how]);
	query_name(attribute->name, &query->select);
	consort_buffer_char(&query->select, ')');
}

static bool make_aggregate(struct world *world, struct query_made *query)
{
	uint32_t count = conform_below(world->conform, 3), i;

	consort_buffer_text(&query->select, "count(*)");
	for (i = 0; i < count; i++)
		add_aggregate(world, query);
	if (conform_below(world->conform, 3))
		query_where(world, query);
	return true;
}

static void test_aggregate(struct conform *conform)
{
	agree(conform, QUERIES, make_aggregate);
}

static bool make_group(struct world *world, struct query_made *query)
{
	const uint32_t index = conform_below(world->conform, world->resource->nattributes);
	const struct consort_attribute *attribute = world->resource->attributes[index];

	if (attribute->type.id == CONSORT_TYPE_LIST || attribute->type.id == CONSORT_TYPE_JSON)
		return false;
	query_name(attribute->name, &query->select);
	query_name(attribute->name, &query->group);
	consort_buffer_text(&query->select, ", count(*)");
	add_aggregate(world, query);
	if (conform_below(world->conform, 2))
		query_where(world, query);
	if (!conform_below(world->conform, 3))
		consort_buffer_text(&query->having, "count(*) > 1");
	return true;
}

static void test_group(struct conform *conform)
{
	agree(conform, QUERIES, make_group);
}

/* --- joins and key sets --- */

static bool make_join(struct world *world, struct query_made *query)
{
	const struct consort_resource *resource = world->resource;
	uint32_t i;

	if (!resource->nrelationships)
		conform_skip("'%s' has no relationship", resource->name);
	for (i = 0; i < 3; i++) {
		const uint32_t index = conform_below(world->conform, resource->nattributes);

		consort_buffer_text(&query->select, i ? ", " : "");
		if (i)
			consort_buffer_printf(&query->select, "%s.", resource->relationships[0]->name);
		query_name(resource->attributes[index]->name, &query->select);
	}
	if (conform_below(world->conform, 2))
		query_where(world, query);
	return true;
}

static void test_join(struct conform *conform)
{
	if (conform->facts.types >> CONSORT_TYPE_INT64 & 1)
		conform->peer = "an_int";
	agree(conform, QUERIES, make_join);
}

static char *rows_of(struct world *world, const char *name, const struct consort_args *keys, size_t count)
{
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	if (consort_get_many(world->c, name, keys, count, &rows, &error))
		conform_fail("records cannot be got by their keys: %s", error.message);
	if (world_print(rows, &lines))
		conform_fail("records cannot be got by their keys: %s", consort_cursor_error(rows)->message);
	consort_cursor_close(rows);
	return lines.data ? lines.data : strdup("");
}

#define KEYS 30

static void test_lookup(struct conform *conform)
{
	struct consort_args keys[KEYS];
	struct world world;
	size_t round, i;

	world_open(&world, conform, NULL);
	world_fill(&world, WORLD_ROWS);
	if (!world.resource->nkeys || !world.nrows)
		conform_skip("'%s' has no key, or no records", world.resource->name);
	for (round = 0; round < 20; round++) {
		const size_t count = conform_below(conform, KEYS) + 1;
		char *item, *plain;

		for (i = 0; i < count; i++) {
			struct consort_value *row =
				consort_arena_array(&world.arena, world.resource->nattributes, sizeof(*row));

			NEED(row);
			world_row(&world, 500 + i, row); /* a key that is not there */
			if (conform_below(conform, 4))
				row = world.rows + conform_below(conform, (uint32_t)world.nrows) *
							   world.resource->nattributes;
			keys[i] = world_key(&world, row);
		}
		item = rows_of(&world, world.item, keys, count);
		plain = rows_of(&world, world.plain, keys, count);
		REQUIRE(!strcmp(item, plain),
			"by %zu keys, there come with the adapter's features\n%.800sand without\n%.800s",
			count, item, plain);
		free(item);
		free(plain);
	}
	world_close(&world);
}

/* --- documents and time --- */

static bool make_path(struct world *world, struct query_made *query)
{
	static const char *const steps[] = {"'a'", "0", "'b'", "1", "'missing'", "'a' -> 'b'", "'b' -> 'c'"};
	static const char *const tests[] = {"is null", "= '1'", "= 'x'", "is not null", "> '1'"};
	struct consort_buffer *out = &query->where;
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++)
		if (world->resource->attributes[i]->type.id == CONSORT_TYPE_JSON)
			break;
	if (i == world->resource->nattributes)
		conform_skip("'%s' has no attribute of type json", world->resource->name);
	consort_buffer_char(out, '(');
	query_name(world->resource->attributes[i]->name, out);
	consort_buffer_printf(out, " -> %s ->> %s) %s", steps[conform_below(world->conform, 7)],
			      steps[conform_below(world->conform, 5)],
			      tests[conform_below(world->conform, 5)]);
	return true;
}

static void test_paths(struct conform *conform)
{
	agree(conform, QUERIES, make_path);
}

/* --- writes by query --- */

/* The records for which the condition is (not) true, with one attribute as another value. */
static void list_rows(struct world *world, const struct query_made *made, const char *test, uint32_t changed,
		      const struct consort_value *value, struct consort_buffer *lines)
{
	struct consort_query *query = consort_query_new(world->c, world->plain);
	struct consort_buffer where = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	uint32_t i;

	consort_buffer_printf(&where, "(%s) is %s", made->where.data, test);
	consort_query_where(query, where.data);
	if (consort_query_run(query, (struct consort_args){made->args, made->nargs}, &rows, &error))
		conform_fail("%s: %s", where.data, error.message);
	while (consort_cursor_next(rows, &error)) {
		for (i = 0; i < consort_cursor_columns(rows); i++) {
			const struct consort_value is = consort_cursor_value(rows, i);

			consort_buffer_text(lines, i ? "|" : "");
			conform_value_print(value && i == changed ? value : &is, lines);
		}
		consort_buffer_char(lines, '\n');
	}
	if (consort_cursor_status(rows))
		conform_fail("%s: %s", where.data, error.message);
	consort_cursor_close(rows);
	consort_query_free(query);
	consort_buffer_clear(&where);
}

/* An attribute that can be set, not of the key; nattributes: there is none. */
static uint32_t free_attribute(struct world *world)
{
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++)
		if (!world_is_key(world, i) &&
		    !(world->resource->attributes[i]->flags & CONSORT_ATTRIBUTE_READ_ONLY) &&
		    world->resource->attributes[i]->type.id != CONSORT_TYPE_LIST)
			break;
	return i;
}

static void write_by_query(struct world *world, bool deletes)
{
	struct consort_query *query = consort_query_new(world->c, world->item);
	struct query_made made = {.limit = -1};
	struct consort_buffer lines = CONSORT_BUFFER_INIT, assign = CONSORT_BUFFER_INIT,
			      text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value = consort_null();
	uint32_t changed = free_attribute(world);
	struct consort_args args;
	enum consort_status status;
	int64_t affected = 0, expected_count = 0;
	uint32_t nargs;
	char *expected, *rows;
	size_t i;

	query_clear(&made);
	query_where(world, &made);
	nargs = made.nargs;
	if (!deletes) {
		value = conform_edge(world->resource->attributes[changed]->type, 1, &world->arena);
		list_rows(world, &made, "true", changed, &value, &lines);
		for (i = 0; i < lines.size; i++)
			expected_count += lines.data[i] == '\n';
		query_name(world->resource->attributes[changed]->name, &assign);
		made.args[nargs++] = value;
		consort_buffer_printf(&assign, " = $%u", nargs);
	}
	list_rows(world, &made, "not true", changed, NULL, &lines);
	expected = conform_sorted(&lines);
	consort_query_where(query, made.where.data);
	args = (struct consort_args){made.args, nargs};
	status = deletes ? consort_delete_where(query, args, &affected, &error)
			 : consort_update_where(query, assign.data, args, &affected, &error);
	query_print(&made, &text);
	REQUIRE(!status, "%s by '%s' failed: %s", deletes ? "delete" : "update", text.data, error.message);
	rows = world_rows(world, world->item);
	REQUIRE(!strcmp(rows, expected), "%s by '%s' leaves\n%.1000sand not\n%.1000s",
		deletes ? "delete" : "update", text.data, rows, expected);
	REQUIRE(deletes || affected == expected_count, "update by '%s' tells of %lld records, not %lld",
		text.data, (long long)affected, (long long)expected_count);
	consort_query_free(query);
	consort_buffer_clear(&assign);
	consort_buffer_clear(&text);
	query_clear(&made);
	free(expected);
	free(rows);
}

static void test_by_query(struct conform *conform)
{
	int round;

	for (round = 0; round < 8; round++) {
		struct world world;

		world_open(&world, conform, NULL);
		world_make(&world);
		if (!world.made || !conform->facts.shared)
			conform_skip("without a resource of our own, in a store that two databases share, "
				     "nothing is risked");
		world_close(&world);
		world_open(&world, conform, NULL);
		world_fill(&world, WORLD_ROWS);
		if (round % 2 || !consort_features_has(&conform->facts.features, CONSORT_FEATURE_UPDATE))
			write_by_query(&world, true);
		else
			write_by_query(&world, false);
		world_close(&world);
	}
}

/* --- declared types --- */

static const char *const types[] = {"bool", "int64", "float64", "text", "bytes", "timestamp", "date", "json"};

struct declared {
	const struct consort_value *was;
	struct consort_value read; /* lives with its record */
	struct consort_record *record;
};

static bool is_spelling(const struct declared *of, struct consort_arena *arena)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_value parsed;
	struct consort_error error;
	bool same;

	if (of->was->type.id == CONSORT_TYPE_TEXT)
		consort_buffer_append(&text, of->was->as.view.data, of->was->as.view.size);
	else
		consort_value_print(of->was, &text);
	if (of->read.type.id == CONSORT_TYPE_BYTES)
		same = of->read.as.view.size == text.size &&
		       !memcmp(of->read.as.view.data, text.data, text.size);
	else
		same = !consort_value_parse(of->read.type, text.data, text.size, arena, &parsed, &error) &&
		       conform_value_equal(&of->read, &parsed);
	if (!same &&
	    of->read.type.id == CONSORT_TYPE_JSON) { /* or a document's text, which has quotes there */
		struct consort_buffer quoted = CONSORT_BUFFER_INIT;

		consort_json_quote(&quoted, text.data ? text.data : "", text.size);
		same = !consort_value_parse(of->read.type, quoted.data, quoted.size, arena, &parsed,
					    &error) &&
		       conform_value_equal(&of->read, &parsed);
		consort_buffer_clear(&quoted);
	}
	consort_buffer_clear(&text);
	return same;
}

static void __attribute__((__noreturn__))
fail_declared(const struct declared *of, const char *how, const char *what)
{
	struct consort_buffer was = CONSORT_BUFFER_INIT, read = CONSORT_BUFFER_INIT;

	conform_value_print(of->was, &was);
	conform_value_print(&of->read, &read);
	conform_fail("%s, reads %s where %s was written%s", what, read.data, was.data, how);
}

/* The last one beside those before it: a text is a spelling of what is read for it, and other values that
 * differ are read as values that differ; but an engine that tells no types may keep all of them as texts. */
static void check_declared(struct world *world, const struct declared *all, size_t count, const char *what)
{
	const bool typed = consort_features_has(&world->conform->facts.features, CONSORT_FEATURE_INTROSPECT);
	const struct declared *last = &all[count - 1], *each;

	if (consort_value_is_null(last->was) != consort_value_is_null(&last->read))
		fail_declared(last, "", what);
	if (last->was->type.id == CONSORT_TYPE_TEXT) {
		if (!is_spelling(last, &world->arena))
			fail_declared(last, "", what);
		return;
	}
	if (!typed && is_spelling(last, &world->arena))
		return;
	for (each = all; each < last; each++)
		if (conform_value_equal(&each->read, &last->read) &&
		    !conform_value_equal(each->was, last->was))
			fail_declared(last, ", as for another value", what);
}

/* Reads the column under that type, record by record: any of them may be refused. */
static void read_declared(struct world *world, uint32_t attribute, const char *type)
{
	const struct consort_resource *resource = world->resource;
	struct declared *all = consort_arena_array(&world->arena, world->nrows + 1, sizeof(*all));
	struct consort_buffer source = CONSORT_BUFFER_INIT, what = CONSORT_BUFFER_INIT;
	const char *name = resource->attributes[attribute]->name;
	size_t i, count = 0;
	struct consort *c;
	uint32_t at;

	NEED(all);
	/* the key is the first attribute of a resource of ours */
	consort_buffer_printf(&source, "%s:%s int64 not null, %s %s", resource->source,
			      resource->attributes[0]->name, name, type);
	consort_buffer_printf(&what, "'%s', declared as %s", name, type);
	c = conform_open(world->conform, NULL, source.data);
	for (i = 0; i < world->nrows; i++) {
		const struct consort_value *row = world->rows + i * resource->nattributes;
		struct declared *next = &all[count];
		struct consort_error error = CONSORT_ERROR_INIT;
		enum consort_status status;

		next->was = &row[attribute];
		status = consort_get(c, "item", world_key(world, row), &next->record, &error);
		REQUIRE(status != CONSORT_ENOTFOUND, "%s, a record is missing that is there", what.data);
		if (status)
			continue;
		for (at = 0; strcmp(consort_record_name(next->record, at), name) != 0; at++)
			;
		next->read = consort_record_value(next->record, at);
		check_declared(world, all, ++count, what.data);
	}
	while (count)
		consort_record_free(all[--count].record);
	consort_buffer_clear(&what);
	consort_buffer_clear(&source);
	consort_close(c);
}

static void test_declared(struct conform *conform)
{
	struct world world;
	uint32_t attribute;
	size_t i;

	world_open(&world, conform, NULL);
	world_fill(&world, WORLD_ROWS);
	if (!world.wrote || world.resource->keys[0] != 0 || world.resource->nkeys != 1 ||
	    world.resource->attributes[0]->type.id != CONSORT_TYPE_INT64 || !conform->facts.shared)
		conform_skip("without records of our own, in a store that two databases share, there is "
			     "nothing to declare");
	for (attribute = 1; attribute < world.resource->nattributes; attribute++)
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			read_declared(&world, attribute, types[i]);
	world_close(&world);
}

const struct conform_test conform_agree_tests[] = {
	TEST("filter-agrees", test_filter, FILTER, 0, 0, "Conditions mean what the library means by them."),
	TEST("sort-agrees", test_sort, SORT, 0, 0,
	     "Records come in the library's order, NULLs where it says."),
	TEST("limit-agrees", test_limit, LIMIT, 0, 0,
	     "Limits and offsets take the records that the library would."),
	TEST("aggregate-agrees", test_aggregate, AGGREGATE, 0, 0,
	     "Aggregates are what the library makes of the records."),
	TEST("group-agrees", test_group, GROUP, 0, 0, "Groups are those that the library makes."),
	TEST("join-agrees", test_join, JOIN, 0, 0, "Joins give what the library would join."),
	TEST("lookup-agrees", test_lookup, KEY_LOOKUP, 0, 0,
	     "Records of a set of keys are those that have them."),
	TEST("paths-agree", test_paths, NESTED_PATHS, 0, 0,
	     "Paths into documents lead where the library's lead."),
	TEST("write-agrees", test_by_query, DELETE, 0, 0,
	     "An update or delete by query writes the records that the library would find."),
	TEST("declared-type", test_declared, READ, 0, 0,
	     "An attribute declared with another type is converted without loss, or refused."),
	CONFORM_END,
};
