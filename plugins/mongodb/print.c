/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BSON to JSON. Whole numbers, doubles, texts, booleans, null, documents and arrays are written as JSON has
 * them; a decimal too, where its digits are neither a whole number's nor a double's, so that parse.c knows it
 * again. All else is canonical extended JSON.
 */
#include "types.h"

#include <consort/convert.h>
#include <math.h>
#include <string.h>

#include "decimal.h"

#define DEPTH_MOST 200

struct printer {
	struct consort_buffer *out;
	struct consort_error *error;
	uint32_t depth;
};

static uint32_t print_value(struct printer *printer, const bson_iter_t *value);

static uint32_t quote(struct printer *printer, const char *text, uint32_t size)
{
	uint64_t at;

	if (!consort_utf8_valid(text, size, &at))
		return consort_error_set(printer->error, CONSORT_ERANGE,
					 "a text that is not UTF-8, or has a NUL byte (byte %llu)",
					 (unsigned long long)at + 1);
	consort_json_quote(printer->out, text, size);
	return CONSORT_OK;
}

/* --- members --- */

/* Would the only member of an object make parse.c take it for another type? */
static bool is_wrapper(const char *key)
{
	static const char *const wrappers[] = {
		"$oid",		  "$numberInt", "$numberLong", "$numberDouble",
		"$numberDecimal", "$date",	"$binary",     "$uuid",
		"$code",	  "$scope",	"$symbol",     "$timestamp",
		"$minKey",	  "$maxKey",	"$undefined",  "$regularExpression",
		"$dbPointer",
	};
	size_t i;

	for (i = 0; *key == '$' && i < sizeof(wrappers) / sizeof(*wrappers); i++)
		if (!strcmp(key, wrappers[i]))
			return true;
	return false;
}

static uint32_t print_key(struct printer *printer, const bson_iter_t *at, bool first)
{
	uint32_t status;

	if (!first)
		consort_buffer_char(printer->out, ',');
	if (is_wrapper(bson_iter_key(at)))
		return consort_error_set(printer->error, CONSORT_ERANGE,
					 "a document with the field '%s', which in JSON means something else",
					 bson_iter_key(at));
	status = quote(printer, bson_iter_key(at), bson_iter_key_len(at));
	consort_buffer_char(printer->out, ':');
	return status;
}

static uint32_t print_members(struct printer *printer, const uint8_t *data, size_t size, bool named,
			      bool (*leaves)(const void *context, const char *key), const void *context)
{
	uint32_t status = CONSORT_OK;
	bool first = true;
	bson_iter_t at;

	if (++printer->depth > DEPTH_MOST)
		return consort_error_set(printer->error, CONSORT_ERANGE,
					 "a document that is nested deeper than %d", DEPTH_MOST);
	if (!bson_iter_init_from_data(&at, data, size))
		return consort_error_set(printer->error, CONSORT_EPROTOCOL, "a document that is broken");
	consort_buffer_char(printer->out, named ? '{' : '[');
	while (!status && bson_iter_next(&at)) {
		if (leaves && leaves(context, bson_iter_key(&at)))
			continue;
		if (named)
			status = print_key(printer, &at, first);
		else if (!first)
			consort_buffer_char(printer->out, ',');
		if (!status)
			status = print_value(printer, &at);
		first = false;
	}
	consort_buffer_char(printer->out, named ? '}' : ']');
	printer->depth--;
	return status;
}

static uint32_t print_inside(struct printer *printer, const bson_iter_t *value, bool named)
{
	const uint8_t *data = NULL;
	uint32_t size = 0;

	if (named)
		bson_iter_document(value, &size, &data);
	else
		bson_iter_array(value, &size, &data);
	return print_members(printer, data, size, named, NULL, NULL);
}

/* --- numbers --- */

static void print_double(struct printer *printer, double number)
{
	char text[CONSORT_FLOAT64_SIZE];

	if (isfinite(number)) {
		struct consort_value value = consort_float64(number);

		consort_value_print(&value, printer->out);
		return;
	}
	consort_copy_text(text, sizeof(text), isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
	consort_buffer_printf(printer->out, "{\"$numberDouble\":\"%s\"}", text);
}

/* Digits as JSON writes them: those of a whole number or a double mean one. */
static bool print_plain(const struct mongo_digits *digits, char *out)
{
	char text[MONGO_DIGITS + 2];
	struct consort_value value;
	struct consort_buffer shortest = CONSORT_BUFFER_INIT;
	unsigned __int128 rest = digits->coefficient;
	int32_t scale = -digits->exponent;
	size_t length = 0, used = 0;
	bool taken;

	if (scale < 0 || scale > MONGO_DIGITS)
		return false;
	do {
		text[length++] = (char)('0' + (int)(rest % 10));
		rest /= 10;
	} while (rest || length <= (size_t)scale);
	if (digits->negative)
		out[used++] = '-';
	while (length) {
		if (length == (size_t)scale)
			out[used++] = '.';
		out[used++] = text[--length];
	}
	out[used] = '\0';
	if (!consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), out, used, NULL, &value, NULL) &&
	    strcmp(out, "-0"))
		return false;
	if (consort_value_parse(consort_type_of(CONSORT_TYPE_FLOAT64), out, used, NULL, &value, NULL))
		return false;
	consort_value_print(&value, &shortest);
	taken = !shortest.failed && strcmp(shortest.data, out) != 0;
	consort_buffer_clear(&shortest);
	return taken;
}

static void print_decimal(struct printer *printer, const bson_decimal128_t *decimal)
{
	char text[BSON_DECIMAL128_STRING > 2 * MONGO_DIGITS + 8 ? BSON_DECIMAL128_STRING
								: 2 * MONGO_DIGITS + 8];
	struct mongo_digits digits;

	if (mongo_decimal_split(decimal, &digits) && print_plain(&digits, text)) {
		consort_buffer_text(printer->out, text);
		return;
	}
	bson_decimal128_to_string(decimal, text);
	consort_buffer_printf(printer->out, "{\"$numberDecimal\":\"%s\"}", text);
}

/* --- what JSON has not --- */

static void print_base64(struct consort_buffer *out, const uint8_t *data, uint32_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t i;

	for (i = 0; i < size; i += 3) {
		uint32_t left = size - i;
		uint32_t bits = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(left > 2 ? data[i + 2] : 0);

		consort_buffer_char(out, digits[bits >> 18]);
		consort_buffer_char(out, digits[bits >> 12 & 63]);
		consort_buffer_char(out, left > 1 ? digits[bits >> 6 & 63] : '=');
		consort_buffer_char(out, left > 2 ? digits[bits & 63] : '=');
	}
}

static void print_binary(struct printer *printer, const bson_iter_t *value)
{
	bson_subtype_t subtype;
	const uint8_t *data;
	uint32_t size;

	bson_iter_binary(value, &subtype, &size, &data);
	consort_buffer_text(printer->out, "{\"$binary\":{\"base64\":\"");
	print_base64(printer->out, data, size);
	consort_buffer_printf(printer->out, "\",\"subType\":\"%02x\"}}", (unsigned)subtype);
}

static void print_objectid(struct printer *printer, const bson_oid_t *oid)
{
	char text[25];

	bson_oid_to_string(oid, text);
	consort_buffer_printf(printer->out, "{\"$oid\":\"%s\"}", text);
}

/* {"key":"text" and what follows */
static uint32_t print_wrapped(struct printer *printer, const char *key, const char *text, uint32_t size,
			      const char *behind)
{
	uint32_t status;

	consort_buffer_printf(printer->out, "{\"%s\":", key);
	status = quote(printer, text, size);
	consort_buffer_text(printer->out, behind);
	return status;
}

static uint32_t print_regex(struct printer *printer, const bson_iter_t *value)
{
	const char *options, *pattern = bson_iter_regex(value, &options);
	uint32_t status;

	consort_buffer_text(printer->out, "{\"$regularExpression\":");
	status = print_wrapped(printer, "pattern", pattern, (uint32_t)strlen(pattern), ",\"options\":");
	if (!status)
		status = quote(printer, options, (uint32_t)strlen(options));
	consort_buffer_text(printer->out, "}}");
	return status;
}

static uint32_t print_scoped_code(struct printer *printer, const bson_iter_t *value)
{
	uint32_t size, scope_size, status;
	const uint8_t *scope;
	const char *code = bson_iter_codewscope(value, &size, &scope_size, &scope);

	status = print_wrapped(printer, "$code", code, size, ",\"$scope\":");
	if (!status)
		status = print_members(printer, scope, scope_size, true, NULL, NULL);
	consort_buffer_char(printer->out, '}');
	return status;
}

static uint32_t print_pointer(struct printer *printer, const bson_iter_t *value)
{
	const char *collection;
	const bson_oid_t *oid;
	uint32_t size, status;

	bson_iter_dbpointer(value, &size, &collection, &oid);
	consort_buffer_text(printer->out, "{\"$dbPointer\":");
	status = print_wrapped(printer, "$ref", collection, size, ",\"$id\":");
	print_objectid(printer, oid);
	consort_buffer_text(printer->out, "}}");
	return status;
}

static uint32_t print_special(struct printer *printer, const bson_iter_t *value)
{
	uint32_t size, t, i;
	const char *text;

	switch (bson_iter_type(value)) {
	case BSON_TYPE_BINARY:
		print_binary(printer, value);
		return CONSORT_OK;
	case BSON_TYPE_OID:
		print_objectid(printer, bson_iter_oid(value));
		return CONSORT_OK;
	case BSON_TYPE_DATE_TIME:
		consort_buffer_printf(printer->out, "{\"$date\":{\"$numberLong\":\"%lld\"}}",
				      (long long)bson_iter_date_time(value));
		return CONSORT_OK;
	case BSON_TYPE_TIMESTAMP:
		bson_iter_timestamp(value, &t, &i);
		consort_buffer_printf(printer->out, "{\"$timestamp\":{\"t\":%u,\"i\":%u}}", t, i);
		return CONSORT_OK;
	case BSON_TYPE_REGEX:
		return print_regex(printer, value);
	case BSON_TYPE_CODE:
		text = bson_iter_code(value, &size);
		return print_wrapped(printer, "$code", text, size, "}");
	case BSON_TYPE_CODEWSCOPE:
		return print_scoped_code(printer, value);
	case BSON_TYPE_SYMBOL:
		text = bson_iter_symbol(value, &size);
		return print_wrapped(printer, "$symbol", text, size, "}");
	case BSON_TYPE_DBPOINTER:
		return print_pointer(printer, value);
	case BSON_TYPE_MINKEY:
		consort_buffer_text(printer->out, "{\"$minKey\":1}");
		return CONSORT_OK;
	case BSON_TYPE_MAXKEY:
		consort_buffer_text(printer->out, "{\"$maxKey\":1}");
		return CONSORT_OK;
	default:
		consort_buffer_text(printer->out, "{\"$undefined\":true}");
		return CONSORT_OK;
	}
}

static uint32_t print_value(struct printer *printer, const bson_iter_t *value)
{
	bson_decimal128_t decimal;
	const char *text;
	uint32_t size;

	switch (bson_iter_type(value)) {
	case BSON_TYPE_DOUBLE:
		print_double(printer, bson_iter_double(value));
		return CONSORT_OK;
	case BSON_TYPE_UTF8:
		text = bson_iter_utf8(value, &size);
		return quote(printer, text, size);
	case BSON_TYPE_DOCUMENT:
		return print_inside(printer, value, true);
	case BSON_TYPE_ARRAY:
		return print_inside(printer, value, false);
	case BSON_TYPE_BOOL:
		consort_buffer_text(printer->out, bson_iter_bool(value) ? "true" : "false");
		return CONSORT_OK;
	case BSON_TYPE_NULL:
		consort_buffer_text(printer->out, "null");
		return CONSORT_OK;
	case BSON_TYPE_INT32:
		consort_buffer_printf(printer->out, "%d", bson_iter_int32(value));
		return CONSORT_OK;
	case BSON_TYPE_INT64:
		consort_buffer_printf(printer->out, "%lld", (long long)bson_iter_int64(value));
		return CONSORT_OK;
	case BSON_TYPE_DECIMAL128:
		bson_iter_decimal128(value, &decimal);
		print_decimal(printer, &decimal);
		return CONSORT_OK;
	default:
		return print_special(printer, value);
	}
}

uint32_t mongo_print(const bson_iter_t *value, struct consort_buffer *out, struct consort_error *error)
{
	struct printer printer = {.out = out, .error = error};
	uint32_t status = print_value(&printer, value);

	return !status && out->failed ? consort_error_no_memory(error) : status;
}

uint32_t mongo_print_rest(const uint8_t *data, size_t size,
			  bool (*leaves)(const void *context, const char *key), const void *context,
			  struct consort_buffer *out, struct consort_error *error)
{
	struct printer printer = {.out = out, .error = error};
	uint32_t status = print_members(&printer, data, size, true, leaves, context);

	return !status && out->failed ? consort_error_no_memory(error) : status;
}
