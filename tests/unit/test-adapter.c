/* SPDX-License-Identifier: Apache-2.0 */
/* What the SDK does for adapters: calls, options, attributes, plans, and the operations of plain engines. */
#include <consort/adapter.h>
#include <consort/convert.h>

#include "testing.h"

#include <time.h>

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void test_call(void)
{
	struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_write write = {.struct_size = sizeof(write)};
	uint32_t cancelled = 0;

	CU_ASSERT_EQUAL(consort_call_check(&call, &error), CONSORT_OK);
	call.cancelled = &cancelled;
	call.deadline = clock_now() + 60000000000;
	CU_ASSERT_EQUAL(consort_call_check(&call, &error), CONSORT_OK);
	TESTING_TEXT(error.message, "");
	call.deadline = 1;
	CU_ASSERT_EQUAL(consort_call_check(&call, &error), CONSORT_ETIMEOUT);
	TESTING_TEXT(error.message, "the deadline passed");
	cancelled = 1;
	CU_ASSERT_EQUAL(consort_call_check(&call, &error), CONSORT_ECANCELLED);
	TESTING_TEXT(error.message, "the call was cancelled");
	call.flags = 4;
	CU_ASSERT_EQUAL(consort_call_check(&call, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message, "unknown call flags 0x4");
	CU_ASSERT_EQUAL(consort_call_check(&call, NULL), CONSORT_EUNSUPPORTED);
	call.flags = 0;
	cancelled = 0;
	call.deadline = 0;
	CU_ASSERT_EQUAL(consort_call_check_write(&call, &write, &error), CONSORT_OK);
	write.flags = CONSORT_WRITE_CONTINUE | 8;
	CU_ASSERT_EQUAL(consort_call_check_write(&call, &write, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message, "unknown flags 0x9 of a write");
	write.flags = CONSORT_WRITE_CONTINUE;
	cancelled = 1;
	CU_ASSERT_EQUAL(consort_call_check_write(&call, &write, &error), CONSORT_ECANCELLED);
}

static void test_write(void)
{
	struct consort_write write = {.struct_size = sizeof(write), .nattributes = 2};
	struct consort_batch rows = {.ncolumns = 2};
	struct consort_error error = CONSORT_ERROR_INIT;

	write.flags = CONSORT_WRITE_CONTINUE;
	CU_ASSERT_EQUAL(consort_write_check_rows(&write, &rows, &error), CONSORT_OK);
	rows.ncolumns = 3;
	CU_ASSERT_EQUAL(consort_write_check_rows(&write, &rows, &error), CONSORT_EINVAL);
	TESTING_TEXT(error.message, "the batch has 3 columns, the write 2");
	rows.ncolumns = 2;
	write.flags = 8;
	CU_ASSERT_EQUAL(consort_write_check_rows(&write, &rows, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message, "unknown flags 0x8 of a write");
}

static void test_resource(void)
{
	const struct consort_attribute id = {.name = "id", .source = "the id"}, name = {.name = "name", .source = "id"};
	const struct consort_attribute *attributes[] = {&id, &name};
	const uint32_t keys[] = {1};
	const struct consort_resource resource = {
		.name = "thing", .attributes = attributes, .nattributes = 2, .keys = keys, .nkeys = 1};
	const uint32_t written[] = {1, 0};
	const struct consort_write write = {.resource = &resource, .attributes = written, .nattributes = 2};

	CU_ASSERT_TRUE(consort_write_is_key(&write, 0));
	CU_ASSERT_FALSE(consort_write_is_key(&write, 1));
	CU_ASSERT_FALSE(consort_resource_is_key(&resource, 0));
	CU_ASSERT_TRUE(consort_resource_is_key(&resource, 1));
	TESTING_TEXT(consort_resource_name_of(&resource, "the id"), "id");
	TESTING_TEXT(consort_resource_name_of(&resource, "id"), "name");
	TESTING_TEXT(consort_resource_name_of(&resource, "other"), "other");
	TESTING_TEXT(consort_resource_name_of(NULL, "id"), "id");
}

static void test_codec(void)
{
	static const struct consort_codec_name names[] = {
		{CONSORT_TYPE_INT64, 3, "wide"}, {CONSORT_TYPE_BOOL, 4, "bit"}, {CONSORT_TYPE_INT64, 5, "narrow"}};
	struct consort_attribute attribute = {.name = "a", .type = {.id = CONSORT_TYPE_INT64}, .codec = "narrow"};
	const struct consort_resource resource = {.name = "r"};
	struct consort_error error = CONSORT_ERROR_INIT;
	uint8_t codec = 0;

	CU_ASSERT_EQUAL(consort_codec_find(names, 3, "Acme", &resource, &attribute, &codec, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(codec, 5);
	attribute.codec = "bit";
	CU_ASSERT_EQUAL(consort_codec_find(names, 3, "Acme", &resource, &attribute, &codec, &error), CONSORT_EVALUE);
	TESTING_TEXT(error.message,
		     "resource 'r', attribute 'a': Acme has no codec 'bit' for int64; there are wide, narrow");
	attribute.type.id = CONSORT_TYPE_TEXT;
	CU_ASSERT_EQUAL(consort_codec_find(names, 3, "Acme", &resource, &attribute, &codec, &error), CONSORT_EVALUE);
	TESTING_TEXT(error.message, "resource 'r', attribute 'a': Acme has no codec 'bit' for text; it needs none");
	CU_ASSERT_EQUAL(codec, 5);
}

static void test_setting(void)
{
	const struct consort_setting settings[] = {{"a", consort_int64(1)}, {"ab", consort_int64(2)}};

	CU_ASSERT_PTR_EQUAL(consort_setting_find(settings, 2, "ab"), &settings[1].value);
	CU_ASSERT_PTR_NULL(consort_setting_find(settings, 1, "ab"));
	CU_ASSERT_PTR_NULL(consort_setting_find(NULL, 0, "a"));
}

/* --- a resource, and plans over it --- */

static const struct consort_attribute id = {
	.struct_size = sizeof(id), .type = {.id = CONSORT_TYPE_INT64}, .name = "number", .source = "id"};
static const struct consort_attribute text = {
	.struct_size = sizeof(text), .type = {.id = CONSORT_TYPE_TEXT}, .name = "text", .source = "text"};
static const struct consort_attribute other = {
	.struct_size = sizeof(other), .type = {.id = CONSORT_TYPE_TEXT}, .name = "n", .source = "other"};
static const struct consort_attribute odd = {
	.struct_size = sizeof(odd), .type = {.id = CONSORT_TYPE_DATE}, .name = "d", .source = "text"};
static const struct consort_resource own = {
	.struct_size = sizeof(own),
	.name = "own",
	.source = "own",
	.nattributes = 2,
	.attributes = (const struct consort_attribute *const[]){&text, &id},
};
static const struct consort_resource declared = {
	.struct_size = sizeof(declared),
	.name = "mine",
	.source = "own",
	.nattributes = 4,
	.attributes = (const struct consort_attribute *const[]){&id, &text, &other, &odd},
};

static void test_attribute(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t column = 9;

	CU_ASSERT_EQUAL(consort_attribute_find(&own, &declared, 0, &column, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(column, 1);
	CU_ASSERT_EQUAL(consort_attribute_find(&own, &declared, 1, &column, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(column, 0);
	CU_ASSERT_EQUAL(consort_attribute_find(&own, &declared, 2, &column, &error), CONSORT_ENAME);
	TESTING_TEXT(error.message, "'own' has no 'other'");
	TESTING_TEXT(error.resource, "mine");
	TESTING_TEXT(error.attribute, "n");
	CU_ASSERT_EQUAL(consort_attribute_find(&own, &declared, 3, &column, &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "'text' of 'own' is text, not a date as it is declared");
	CU_ASSERT_EQUAL(consort_attribute_find(&own, &declared, 3, &column, NULL), CONSORT_ETYPE);
	CU_ASSERT_EQUAL(column, 0);
}

#define EXPR(...) (&(const struct consort_expr){.struct_size = sizeof(struct consort_expr), __VA_ARGS__})
#define COLUMN(number, type_id) EXPR(.kind = CONSORT_EXPR_COLUMN, .index = number, .type = {.id = type_id})
#define PARAMETER(number, type_id) \
	EXPR(.kind = CONSORT_EXPR_PARAMETER, .index = number, .type = {.id = type_id})
#define CALL(code, a, b)                                        \
	EXPR(.kind = CONSORT_EXPR_CALL, .op = code, .nargs = 2, \
	     .args = (const struct consort_expr *const[]){a, b})

/* Column 0 is "other", column 1 is "id". */
static const struct consort_node scan = {
	.struct_size = sizeof(scan),
	.kind = CONSORT_NODE_SCAN,
	.number = 0,
	.resource = &declared,
	.nattributes = 2,
	.attributes = (const uint32_t[]){2, 0},
};

static struct consort_node over(uint32_t kind, uint32_t number, const struct consort_node *const *inputs,
				uint32_t ninputs)
{
	struct consort_node node = {.struct_size = sizeof(node), .kind = kind, .number = number};

	node.first_conjunct = number + 1;
	node.inputs = inputs;
	node.ninputs = ninputs;
	return node;
}

static void test_condition(void)
{
	const struct consort_expr *literal =
		EXPR(.kind = CONSORT_EXPR_LITERAL, .type = {.id = CONSORT_TYPE_INT64});
	const struct consort_expr *conditions[] = {
		CALL(CONSORT_OP_EQ, COLUMN(1, CONSORT_TYPE_INT64), PARAMETER(0, CONSORT_TYPE_INT64)),
		CALL(CONSORT_OP_EQ, COLUMN(1, CONSORT_TYPE_INT64), literal),
		/* and what is none */
		CALL(CONSORT_OP_LT, COLUMN(1, CONSORT_TYPE_INT64), literal),
		CALL(CONSORT_OP_EQ, COLUMN(0, CONSORT_TYPE_INT64), literal),
		CALL(CONSORT_OP_EQ, COLUMN(1, CONSORT_TYPE_FLOAT64), literal),
		CALL(CONSORT_OP_EQ, COLUMN(1, CONSORT_TYPE_INT64), PARAMETER(0, CONSORT_TYPE_FLOAT64)),
		CALL(CONSORT_OP_EQ, COLUMN(1, CONSORT_TYPE_INT64), COLUMN(1, CONSORT_TYPE_INT64)),
		CALL(CONSORT_OP_EQ, literal, COLUMN(1, CONSORT_TYPE_INT64)),
		COLUMN(1, CONSORT_TYPE_BOOL),
	};
	const struct consort_node *inputs[] = {&scan};
	struct consort_node filter = over(CONSORT_NODE_FILTER, 1, inputs, 1), limit = scan;
	const struct consort_type type = consort_type_of(CONSORT_TYPE_INT64);
	uint32_t i;

	filter.exprs = conditions;
	filter.nexprs = sizeof(conditions) / sizeof(conditions[0]);
	for (i = 0; i < filter.nexprs; i++)
		CU_ASSERT_EQUAL(consort_condition_equals(&filter, i, "id", type), i < 2);
	limit.kind = CONSORT_NODE_LIMIT;
	inputs[0] = &limit;
	CU_ASSERT_FALSE(consort_condition_equals(&filter, 0, "id", type));
}

static void test_value(void)
{
	const struct consort_value values[] = {consort_int64(1), consort_int64(2)};
	const struct consort_run run = {.struct_size = sizeof(run), .nparameters = 2, .parameters = values};
	const struct consort_expr *literal = EXPR(.kind = CONSORT_EXPR_LITERAL);

	CU_ASSERT_PTR_EQUAL(consort_run_value(&run, PARAMETER(1, CONSORT_TYPE_INT64)), &values[1]);
	CU_ASSERT_PTR_EQUAL(consort_run_value(&run, literal), &literal->value);
	CU_ASSERT_PTR_NULL(consort_run_value(&run, COLUMN(1, CONSORT_TYPE_INT64)));
}

/* A join of two tables under a filter and a limit: scans, nothing else; each other number has the reason. */
static void test_offer(void)
{
	static const char why[] = "no more than that";
	struct consort_node right = scan;
	const struct consort_node *sides[] = {&scan, &right}, *joined[1], *filtered[1];
	const struct consort_expr *one[] = {COLUMN(0, CONSORT_TYPE_BOOL)};
	struct consort_node join = over(CONSORT_NODE_JOIN, 2, sides, 2);
	struct consort_node filter = over(CONSORT_NODE_FILTER, 4, joined, 1);
	struct consort_node limit = over(CONSORT_NODE_LIMIT, 6, filtered, 1);
	uint8_t fidelity[7] = {0};
	const char *reason[7] = {NULL};
	struct consort_offer answer = {
		.struct_size = sizeof(answer), .count = 7, .fidelity = fidelity, .reason = reason};
	uint32_t i;

	right.number = 1;
	join.exprs = filter.exprs = one;
	join.nexprs = filter.nexprs = 1;
	joined[0] = &join;
	filtered[0] = &filter;
	consort_offer_scan(&limit, &answer, why);
	for (i = 0; i < 7; i++) {
		CU_ASSERT_EQUAL(fidelity[i], i < 2 ? CONSORT_FIDELITY_EXACT : CONSORT_FIDELITY_NO);
		CU_ASSERT_PTR_EQUAL(reason[i], i < 2 ? NULL : why);
	}
}

static void test_plain(void)
{
	const struct consort_host host = {.struct_size = sizeof(host)};
	struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_statement statement = {.struct_size = sizeof(statement), .root = &scan};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_features mask = {{7, 9}};
	void *out = NULL;
	int database;

	CU_ASSERT_EQUAL(consort_plain_init(&host, &out, &error), CONSORT_OK);
	CU_ASSERT_PTR_EQUAL(out, &host);
	CU_ASSERT_EQUAL(consort_plain_open(&database, &call, &out, &error), CONSORT_OK);
	CU_ASSERT_PTR_EQUAL(out, &database);
	CU_ASSERT_EQUAL(consort_plain_check(out, &call, &error), CONSORT_OK);
	consort_plain_features(out, &mask, NULL);
	CU_ASSERT_TRUE(mask.word[0] == 7 && mask.word[1] == 9);
	consort_plain_abandon(out);
	consort_plain_close(out, &call);
	CU_ASSERT_EQUAL(consort_plain_compile(&database, &statement, &out, &error), CONSORT_OK);
	CU_ASSERT_PTR_EQUAL(out, &scan);
	consort_plain_compiled_free(&database, out);
	/* what was touched by none that fails */
	out = &database;
	call.flags = 2;
	statement.flags = 2;
	CU_ASSERT_EQUAL(consort_plain_open(&database, &call, &out, &error), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_plain_check(&database, &call, &error), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_plain_compile(&database, &statement, &out, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message, "unknown flags 0x2 of a statement");
	CU_ASSERT_PTR_EQUAL(out, &database);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"call", test_call},	       {"write", test_write},
		{"resource", test_resource},   {"codec", test_codec},
		{"setting", test_setting},
		{"attribute", test_attribute}, {"condition", test_condition},
		{"value", test_value},	       {"offer", test_offer},
		{"plain", test_plain},	       {NULL, NULL},
	};

	return testing_main("adapter", cases, argc, argv);
}
