/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to BSON, so that print.c makes the same text of it again: whole numbers become long, numbers that a
 * double prints double, others decimal128, and the objects of extended JSON the types that they stand for. In
 * native commands
 * {"$param": n} is a value.
 */
#include "types.h"

#include <consort/convert.h>
#include <consort/plugin.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

#define DEPTH_MOST 150

struct parser {
	struct consort_json_reader *readers[DEPTH_MOST];
	const struct consort_run *run;
	struct consort_error *error;
	uint32_t depth;
};

/* Where values go: members by their keys, elements by their numbers. */
struct target {
	struct parser *parser;
	bson_t *out;
	uint32_t count;
};

static uint32_t parse_value(struct parser *parser, const struct consort_json_value *value, bson_t *out,
			    const char *key, size_t key_size);

static uint32_t no_memory(struct parser *parser)
{
	return consort_error_no_memory(parser->error);
}

static uint32_t added(struct parser *parser, bool done)
{
	return done ? CONSORT_OK
		    : consort_error_set(parser->error, CONSORT_ERANGE,
					"the document is larger than BSON can be");
}

static struct consort_json_reader *reader_of(struct parser *parser)
{
	if (!parser->readers[parser->depth])
		parser->readers[parser->depth] = consort_json_reader_new();
	return parser->readers[parser->depth];
}

static void clear(struct parser *parser)
{
	uint32_t i;

	for (i = 0; i < DEPTH_MOST; i++)
		consort_json_reader_free(parser->readers[i]);
}

/* --- objects and arrays --- */

static uint32_t add_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct target *target = context;

	return parse_value(target->parser, value, target->out, key.data, (size_t)key.size);
}

static uint32_t add_element(void *context, const struct consort_json_value *value)
{
	struct target *target = context;
	const char *key;
	char digits[16];
	size_t size = bson_uint32_to_string(target->count++, &key, digits, sizeof(digits));

	return parse_value(target->parser, value, target->out, key, size);
}

static uint32_t parse_inside(struct parser *parser, struct consort_view text, bool named, bson_t *out)
{
	struct target target = {parser, out, 0};
	struct consort_json_reader *reader;
	uint32_t status;

	if (parser->depth + 1 >= DEPTH_MOST)
		return consort_error_set(parser->error, CONSORT_ERANGE,
					 "the document is nested deeper than %d", DEPTH_MOST);
	reader = reader_of(parser);
	if (!reader)
		return no_memory(parser);
	parser->depth++;
	if (named)
		status = consort_json_members(reader, text, add_member, &target, parser->error);
	else
		status = consort_json_elements(reader, text, add_element, &target, parser->error);
	parser->depth--;
	return status;
}

/* --- extended JSON --- */

/* The members of an object that may stand for a type: at most two. */
struct wrapper {
	struct consort_arena *arena;
	struct consort_view keys[2];
	struct consort_json_value values[2];
	uint32_t count;
};

static uint32_t take_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct wrapper *wrapper = context;
	uint32_t at = wrapper->count++;

	if (at >= 2)
		return CONSORT_OK;
	wrapper->values[at] = *value;
	wrapper->keys[at].size = key.size;
	wrapper->keys[at].data = consort_arena_copy(wrapper->arena, key.data, (size_t)key.size);
	wrapper->values[at].text.data = consort_arena_copy(
		wrapper->arena, value->text.data ? value->text.data : "", (size_t)value->text.size);
	return wrapper->keys[at].data && wrapper->values[at].text.data ? CONSORT_OK : CONSORT_ENOMEM;
}

static uint32_t read_wrapper(struct parser *parser, struct consort_view text, struct consort_arena *arena,
			     struct wrapper *out)
{
	struct consort_json_reader *reader;
	uint32_t status;

	*out = (struct wrapper){.arena = arena};
	if (parser->depth + 1 >= DEPTH_MOST)
		return CONSORT_OK;
	reader = reader_of(parser);
	if (!reader)
		return no_memory(parser);
	status = consort_json_members(reader, text, take_member, out, parser->error);
	return status == CONSORT_ENOMEM ? no_memory(parser) : status;
}

static bool has_key(const struct wrapper *wrapper, uint32_t at, const char *key)
{
	return wrapper->keys[at].size == strlen(key) && !memcmp(wrapper->keys[at].data, key, strlen(key));
}

static bool is_text(const struct consort_json_value *value)
{
	return value->kind == CONSORT_JSON_STRING;
}

static bool read_as(uint16_t type, const struct consort_json_value *value, struct consort_value *out)
{
	return !consort_value_parse(consort_type_of(type), value->text.data, value->text.size, NULL, out,
				    NULL);
}

static bool read_hex(const char *text, size_t digits, uint32_t *out)
{
	char *end, copy[9];

	if (digits > 8)
		return false;
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	*out = (uint32_t)strtoul(copy, &end, 16);
	return digits && !*end && strspn(copy, "0123456789abcdefABCDEF") == digits;
}

/* False: it is no base64. */
static bool read_base64(struct consort_view text, uint8_t *out, uint32_t *out_size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0, size = 0;
	uint64_t i, end = text.size;

	if (text.size % 4)
		return false;
	while (end && text.size - end < 2 && text.data[end - 1] == '=')
		end--;
	for (i = 0; i < end; i++) {
		const char *digit = memchr(digits, text.data[i], sizeof(digits) - 1);

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4)
			out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*out_size = size;
	/* what is left of the last digit is 0, or it would not be the same text again */
	return !(end % 4) || !(bits & (end % 4 == 2 ? 15u : 3u));
}

/* What follows appends a value of BSON if the members are of the form; *out_done tells. */
struct element {
	struct parser *parser;
	bson_t *out;
	const char *key;
	int key_size;
	struct consort_arena *arena;
};

static bool add_binary(const struct element *to, const struct wrapper *inner)
{
	uint32_t size, subtype;
	uint8_t *data;

	if (inner->count != 2 || !has_key(inner, 0, "base64") || !has_key(inner, 1, "subType") ||
	    !is_text(&inner->values[0]) || !is_text(&inner->values[1]) ||
	    !read_hex(inner->values[1].text.data, (size_t)inner->values[1].text.size, &subtype) ||
	    subtype > 255)
		return false;
	data = consort_arena_alloc(to->arena, (size_t)inner->values[0].text.size + 4);
	return data && read_base64(inner->values[0].text, data, &size) &&
	       bson_append_binary(to->out, to->key, to->key_size, (bson_subtype_t)subtype, data, size);
}

static bool add_regex(const struct element *to, const struct wrapper *inner)
{
	return inner->count == 2 && has_key(inner, 0, "pattern") && has_key(inner, 1, "options") &&
	       is_text(&inner->values[0]) && is_text(&inner->values[1]) &&
	       bson_append_regex(to->out, to->key, to->key_size, inner->values[0].text.data,
				 inner->values[1].text.data);
}

static bool add_timestamp(const struct element *to, const struct wrapper *inner)
{
	struct consort_value t, i;

	return inner->count == 2 && has_key(inner, 0, "t") && has_key(inner, 1, "i") &&
	       read_as(CONSORT_TYPE_INT64, &inner->values[0], &t) &&
	       read_as(CONSORT_TYPE_INT64, &inner->values[1], &i) && t.as.int64 >= 0 &&
	       t.as.int64 <= UINT32_MAX && i.as.int64 >= 0 && i.as.int64 <= UINT32_MAX &&
	       bson_append_timestamp(to->out, to->key, to->key_size, (uint32_t)t.as.int64,
				     (uint32_t)i.as.int64);
}

static bool add_pointer(const struct element *to, const struct wrapper *inner)
{
	struct consort_json_value id;
	struct wrapper oid;
	bson_oid_t value;

	if (inner->count != 2 || !has_key(inner, 0, "$ref") || !has_key(inner, 1, "$id") ||
	    inner->values[1].kind != CONSORT_JSON_OBJECT ||
	    read_wrapper(to->parser, inner->values[1].text, to->arena, &oid) || oid.count != 1)
		return false;
	id = oid.values[0];
	if (!has_key(&oid, 0, "$oid") || !bson_oid_is_valid(id.text.data, (size_t)id.text.size))
		return false;
	bson_oid_init_from_string(&value, id.text.data);
	return bson_append_dbpointer(to->out, to->key, to->key_size, inner->values[0].text.data, &value);
}

static bool add_date(const struct element *to, const struct wrapper *inner)
{
	struct consort_value value;

	return inner->count == 1 && has_key(inner, 0, "$numberLong") && is_text(&inner->values[0]) &&
	       read_as(CONSORT_TYPE_INT64, &inner->values[0], &value) &&
	       bson_append_date_time(to->out, to->key, to->key_size, value.as.int64);
}

/* {"$key": {…}} */
static bool add_object(const struct element *to, const struct wrapper *wrapper)
{
	struct wrapper inner;

	if (read_wrapper(to->parser, wrapper->values[0].text, to->arena, &inner))
		return false;
	if (has_key(wrapper, 0, "$binary"))
		return add_binary(to, &inner);
	if (has_key(wrapper, 0, "$date"))
		return add_date(to, &inner);
	if (has_key(wrapper, 0, "$regularExpression"))
		return add_regex(to, &inner);
	if (has_key(wrapper, 0, "$timestamp"))
		return add_timestamp(to, &inner);
	return has_key(wrapper, 0, "$dbPointer") && add_pointer(to, &inner);
}

static bool add_float(const struct element *to, const struct consort_json_value *value)
{
	struct consort_value number;

	return read_as(CONSORT_TYPE_FLOAT64, value, &number) &&
	       bson_append_double(to->out, to->key, to->key_size, number.as.float64);
}

/* {"$key": "text"} */
static bool add_text(const struct element *to, const struct wrapper *wrapper)
{
	const struct consort_view text = wrapper->values[0].text;
	bson_decimal128_t decimal;
	struct consort_value value;
	bson_oid_t oid;

	if (has_key(wrapper, 0, "$oid")) {
		if (!bson_oid_is_valid(text.data, (size_t)text.size))
			return false;
		bson_oid_init_from_string(&oid, text.data);
		return bson_append_oid(to->out, to->key, to->key_size, &oid);
	}
	if (has_key(wrapper, 0, "$numberInt"))
		return read_as(CONSORT_TYPE_INT64, &wrapper->values[0], &value) &&
		       value.as.int64 >= INT32_MIN && value.as.int64 <= INT32_MAX &&
		       bson_append_int32(to->out, to->key, to->key_size, (int32_t)value.as.int64);
	if (has_key(wrapper, 0, "$numberLong"))
		return read_as(CONSORT_TYPE_INT64, &wrapper->values[0], &value) &&
		       bson_append_int64(to->out, to->key, to->key_size, value.as.int64);
	if (has_key(wrapper, 0, "$numberDouble"))
		return add_float(to, &wrapper->values[0]);
	if (has_key(wrapper, 0, "$numberDecimal"))
		return bson_decimal128_from_string(text.data, &decimal) &&
		       bson_append_decimal128(to->out, to->key, to->key_size, &decimal);
	if (has_key(wrapper, 0, "$date"))
		return read_as(CONSORT_TYPE_TIMESTAMP, &wrapper->values[0], &value) &&
		       !(value.as.int64 % 1000) &&
		       bson_append_date_time(to->out, to->key, to->key_size, value.as.int64 / 1000);
	if (has_key(wrapper, 0, "$uuid"))
		return read_as(CONSORT_TYPE_UUID, &wrapper->values[0], &value) &&
		       bson_append_binary(to->out, to->key, to->key_size, BSON_SUBTYPE_UUID, value.as.uuid,
					  16);
	if (has_key(wrapper, 0, "$code"))
		return bson_append_code(to->out, to->key, to->key_size, text.data);
	return has_key(wrapper, 0, "$symbol") &&
	       bson_append_symbol(to->out, to->key, to->key_size, text.data, (int)text.size);
}

static bool add_scoped_code(const struct element *to, const struct wrapper *wrapper)
{
	bson_t scope = BSON_INITIALIZER;
	bool added = has_key(wrapper, 0, "$code") && has_key(wrapper, 1, "$scope") &&
		     is_text(&wrapper->values[0]) && wrapper->values[1].kind == CONSORT_JSON_OBJECT &&
		     !parse_inside(to->parser, wrapper->values[1].text, true, &scope) &&
		     bson_append_code_with_scope(to->out, to->key, to->key_size, wrapper->values[0].text.data,
						 &scope);

	bson_destroy(&scope);
	return added;
}

/* {"$param": n}, in a native command */
static uint32_t add_parameter(const struct element *to, const struct wrapper *wrapper, bool *out_done)
{
	const struct consort_run *run = to->parser->run;
	const struct consort_value *parameter;
	struct mongo_storage storage;
	struct consort_value at;

	if (!run || wrapper->count != 1 || !has_key(wrapper, 0, "$param"))
		return CONSORT_OK;
	if (!read_as(CONSORT_TYPE_INT64, &wrapper->values[0], &at) || at.as.int64 < 1)
		return consort_error_set(to->parser->error, CONSORT_ESYNTAX, "$param takes a number from 1");
	if (at.as.int64 > run->nparameters)
		return consort_error_set(to->parser->error, CONSORT_EINVAL, "parameter $%lld is missing",
					 (long long)at.as.int64);
	*out_done = true;
	parameter = &run->parameters[at.as.int64 - 1];
	if (consort_value_is_null(parameter))
		return added(to->parser, bson_append_null(to->out, to->key, to->key_size));
	storage = mongo_plain_storage(parameter->type);
	return mongo_encode(&storage, MONGO_STORE, parameter, "parameter", to->out, to->key,
			    (size_t)to->key_size, NULL, to->parser->error);
}

/* Appends what an object of extended JSON stands for; *out_done false: it is an object as any other. */
static uint32_t parse_wrapped(const struct element *to, struct consort_view text, bool *out_done)
{
	struct wrapper wrapper;
	uint32_t status = read_wrapper(to->parser, text, to->arena, &wrapper);

	if (status)
		return status;
	status = add_parameter(to, &wrapper, out_done);
	if (status || *out_done)
		return status;
	if (wrapper.count == 2)
		*out_done = add_scoped_code(to, &wrapper);
	else if (wrapper.count != 1)
		return CONSORT_OK;
	else if (wrapper.values[0].kind == CONSORT_JSON_OBJECT)
		*out_done = add_object(to, &wrapper);
	else if (is_text(&wrapper.values[0]))
		*out_done = add_text(to, &wrapper);
	else if (has_key(&wrapper, 0, "$minKey"))
		*out_done = bson_append_minkey(to->out, to->key, to->key_size);
	else if (has_key(&wrapper, 0, "$maxKey"))
		*out_done = bson_append_maxkey(to->out, to->key, to->key_size);
	else if (has_key(&wrapper, 0, "$undefined"))
		*out_done = bson_append_undefined(to->out, to->key, to->key_size);
	return CONSORT_OK;
}

static uint32_t parse_object(struct parser *parser, struct consort_view text, bson_t *out, const char *key,
			     size_t key_size)
{
	struct consort_arena arena;
	struct element to = {parser, out, key, (int)key_size, &arena};
	bool done = false;
	uint32_t status = CONSORT_OK;
	bson_t inside;

	if (text.size > 3 && text.data[1] == '"' && text.data[2] == '$') {
		consort_arena_init(&arena, 0);
		status = parse_wrapped(&to, text, &done);
		consort_arena_clear(&arena);
	}
	if (status || done)
		return status;
	if (!bson_append_document_begin(out, key, (int)key_size, &inside))
		return added(parser, false);
	status = parse_inside(parser, text, true, &inside);
	bson_append_document_end(out, &inside);
	return status;
}

static uint32_t parse_array(struct parser *parser, struct consort_view text, bson_t *out, const char *key,
			    size_t key_size)
{
	uint32_t status;
	bson_t inside;

	if (!bson_append_array_begin(out, key, (int)key_size, &inside))
		return added(parser, false);
	status = parse_inside(parser, text, false, &inside);
	bson_append_array_end(out, &inside);
	return status;
}

/* --- numbers --- */

/* Digits that are neither a whole number's nor a double's. */
static bool read_decimal(struct consort_view text, bson_decimal128_t *out)
{
	struct mongo_digits digits = {.coefficient = 0};
	uint32_t count = 0;
	bool behind = false;
	uint64_t i = 0;

	digits.negative = text.size && text.data[0] == '-';
	for (i = digits.negative; i < text.size; i++) {
		if (text.data[i] == '.' && !behind) {
			behind = true;
			continue;
		}
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		digits.coefficient = digits.coefficient * 10 + (unsigned)(text.data[i] - '0');
		count += digits.coefficient != 0;
		digits.exponent -= behind;
		if (count > MONGO_DIGITS || digits.exponent < -MONGO_DIGITS)
			return false;
	}
	return mongo_decimal_make(&digits, out);
}

static uint32_t parse_number(struct parser *parser, struct consort_view text, bson_t *out, const char *key,
			     size_t key_size)
{
	const struct consort_json_value number = {.kind = CONSORT_JSON_NUMBER, .text = text};
	struct consort_buffer printed = CONSORT_BUFFER_INIT;
	char shown[CONSORT_SHOWN_SIZE];
	bson_decimal128_t decimal;
	struct consort_value value;
	bool same = false;

	if (read_as(CONSORT_TYPE_INT64, &number, &value) && !(text.size == 2 && !memcmp(text.data, "-0", 2)))
		return added(parser, bson_append_int64(out, key, (int)key_size, value.as.int64));
	if (read_as(CONSORT_TYPE_FLOAT64, &number, &value)) {
		consort_value_print(&value, &printed);
		/* in a command any other number is a double, as MongoDB has it */
		same = parser->run || (!printed.failed && printed.size == text.size &&
				       !memcmp(printed.data, text.data, printed.size));
		consort_buffer_clear(&printed);
	}
	if (same)
		return added(parser, bson_append_double(out, key, (int)key_size, value.as.float64));
	if (read_decimal(text, &decimal))
		return added(parser, bson_append_decimal128(out, key, (int)key_size, &decimal));
	return consort_error_set(parser->error, CONSORT_ERANGE,
				 "MongoDB would not keep the number %s as it is written",
				 consort_shown(text.data, text.size, shown));
}

static uint32_t parse_value(struct parser *parser, const struct consort_json_value *value, bson_t *out,
			    const char *key, size_t key_size)
{
	if (memchr(key, '\0', key_size))
		return consort_error_set(parser->error, CONSORT_ERANGE, "a field's name with a NUL byte");
	switch (value->kind) {
	case CONSORT_JSON_NULL:
		return added(parser, bson_append_null(out, key, (int)key_size));
	case CONSORT_JSON_BOOL:
		return added(parser, bson_append_bool(out, key, (int)key_size, value->boolean != 0));
	case CONSORT_JSON_NUMBER:
		return parse_number(parser, value->text, out, key, key_size);
	case CONSORT_JSON_STRING:
		return added(parser, value->text.size <= INT32_MAX &&
					     bson_append_utf8(out, key, (int)key_size, value->text.data,
							      (int)value->text.size));
	case CONSORT_JSON_OBJECT:
		return parse_object(parser, value->text, out, key, key_size);
	default:
		return parse_array(parser, value->text, out, key, key_size);
	}
}

/* --- whole texts --- */

uint32_t mongo_parse(struct consort_view json, bson_t *out, const char *key, size_t key_size,
		     struct consort_error *error)
{
	struct parser parser = {.error = error};
	struct consort_json_reader *reader = reader_of(&parser);
	struct consort_json_value value;
	uint32_t status;

	status = reader ? consort_json_at(reader, json, NULL, 0, &value, error)
			: consort_error_no_memory(error);
	parser.depth = 1; /* the first reader owns the value */
	if (!status && value.kind == CONSORT_JSON_STRING)
		status = consort_error_set(
			error, CONSORT_ERANGE,
			"a text alone is no document to MongoDB: declare the attribute as text");
	if (!status)
		status = parse_value(&parser, &value, out, key, key_size);
	clear(&parser);
	return status;
}

uint32_t mongo_parse_members(struct consort_view json, const struct consort_run *run, bson_t *out,
			     struct consort_error *error)
{
	struct parser parser = {.error = error, .run = run};
	uint32_t status = parse_inside(&parser, json, true, out);

	clear(&parser);
	return status;
}

uint32_t mongo_parse_elements(struct consort_view json, const struct consort_run *run, bson_t *out,
			      struct consort_error *error)
{
	struct parser parser = {.error = error, .run = run};
	uint32_t status = parse_inside(&parser, json, false, out);

	clear(&parser);
	return status;
}
