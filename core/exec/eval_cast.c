/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAST, and paths into documents. A cast that would lose something is an error, with two exceptions that are
 * what the word asks for: a decimal as the nearest float64, and a part of a timestamp.
 */
#include "exec/eval.h"

#define MICROSECONDS_PER_DAY INT64_C(86400000000)

/* --- texts that are made --- */

/* What eval->text holds, in the arena. False: no memory. */
static bool keep_text(struct consort_eval *eval, struct consort_view *out)
{
	char *text = eval->text.failed ? NULL
				       : consort_arena_copy(&eval->scratch, eval->text.data, eval->text.size);

	out->data = text;
	out->size = eval->text.size;
	return text != NULL;
}

static enum consort_status print_value(struct consort_eval *eval, const struct consort_value *value,
				       uint16_t id, struct consort_value *out, struct consort_error *error)
{
	struct consort_view text;

	consort_buffer_reset(&eval->text);
	if (id == CONSORT_TYPE_JSON)
		consort_value_print_json(value, &eval->text);
	else
		consort_value_print(value, &eval->text);
	if (!keep_text(eval, &text))
		return consort_error_no_memory(error);
	*out = consort_view_of(id, text.data, text.size);
	return CONSORT_OK;
}

static enum consort_status no_fit(const struct consort_value *value, struct consort_type type,
				  struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;

	consort_value_print(value, &text);
	consort_buffer_text(&text, " does not fit ");
	consort_type_print(type, &text);
	status = text.failed ? consort_error_no_memory(error)
			     : consort_error_set(error, CONSORT_ERANGE, "%s", text.data);
	consort_buffer_clear(&text);
	return status;
}

/* --- numbers --- */

static enum consort_status decimal_to_int64(const struct consort_value *value, struct consort_value *out,
					    struct consort_error *error)
{
	struct consort_decimal whole;

	if (consort_decimal_rescale(value->as.decimal, value->type.scale, 0, &whole) ||
	    whole.high != ((int64_t)whole.low < 0 ? -1 : 0))
		return no_fit(value, consort_type_of(CONSORT_TYPE_INT64), error);
	*out = consort_int64((int64_t)whole.low);
	return CONSORT_OK;
}

static enum consort_status float64_to_int64(const struct consort_value *value, struct consort_value *out,
					    struct consort_error *error)
{
	double number = value->as.float64;

	if (!(number >= -0x1p63 && number < 0x1p63) || (double)(int64_t)number != number)
		return no_fit(value, consort_type_of(CONSORT_TYPE_INT64), error);
	*out = consort_int64((int64_t)number);
	return CONSORT_OK;
}

/* A double as the decimal that its shortest text names, and a decimal as the double that is nearest. */
static enum consort_status convert_by_text(const struct consort_value *value, struct consort_type type,
					   struct consort_value *out, struct consort_error *error)
{
	char text[CONSORT_DECIMAL_SIZE > CONSORT_FLOAT64_SIZE ? CONSORT_DECIMAL_SIZE : CONSORT_FLOAT64_SIZE];
	size_t size;

	if (type.id == CONSORT_TYPE_FLOAT64) {
		size = consort_decimal_print(value->as.decimal, value->type.scale, text);
	} else {
		if (!(value->as.float64 - value->as.float64 == 0)) /* NaN or infinite */
			return no_fit(value, type, error);
		size = consort_float64_print(value->as.float64, text);
	}
	return consort_value_parse(type, text, size, NULL, out, error);
}

/* --- documents --- */

/* The evaluation's reader; NULL: no memory. */
static struct consort_json_reader *reader_of(struct consort_eval *eval)
{
	if (!eval->json)
		eval->json = consort_json_reader_new();
	return eval->json;
}

/* A JSON number may write an integer as 1.0 or 1e3. */
static enum consort_status number_to_int64(struct consort_view text, struct consort_value *out,
					   struct consort_error *error)
{
	struct consort_value number = {0};
	uint8_t precision, scale;
	enum consort_status status;

	status = consort_decimal_parse(text.data, text.size, &number.as.decimal, &precision, &scale, error);
	if (status)
		return status;
	number.type = consort_type_decimal(precision, scale);
	return decimal_to_int64(&number, out, error);
}

/* The scalar or array that the document is, as that type. */
static enum consort_status json_to(struct consort_eval *eval, struct consort_view document,
				   struct consort_type type, struct consort_value *out,
				   struct consort_error *error)
{
	struct consort_json_reader *reader = reader_of(eval);
	struct consort_json_value json;
	enum consort_status status;
	const char *text;

	if (!reader)
		return consort_error_no_memory(error);
	status = consort_json_at(reader, document, NULL, 0, &json, error);
	if (status)
		return status;
	if (json.kind == CONSORT_JSON_NULL) {
		*out = consort_null();
		return CONSORT_OK;
	}
	if (json.kind == CONSORT_JSON_BOOL && type.id == CONSORT_TYPE_BOOL) {
		*out = consort_bool(json.boolean != 0);
		return CONSORT_OK;
	}
	if (json.kind == CONSORT_JSON_NUMBER && type.id == CONSORT_TYPE_INT64)
		return number_to_int64(json.text, out, error);
	if (json.kind == CONSORT_JSON_STRING ||
	    (json.kind == CONSORT_JSON_NUMBER && type.id != CONSORT_TYPE_LIST) ||
	    (json.kind == CONSORT_JSON_ARRAY && type.id == CONSORT_TYPE_LIST)) {
		text = consort_arena_copy(&eval->scratch, json.text.data, (size_t)json.text.size);
		if (!text)
			return consort_error_no_memory(error);
		return consort_value_parse(type, text, json.text.size, &eval->scratch, out, error);
	}
	return consort_error_set(error, CONSORT_ETYPE, "a document with %s in it cannot be used as %s",
				 json.kind == CONSORT_JSON_OBJECT  ? "an object"
				 : json.kind == CONSORT_JSON_ARRAY ? "an array"
								   : "true or false",
				 consort_type_noun(type));
}

/* --- CAST --- */

static enum consort_status cast_time(const struct consort_value *value, struct consort_type type,
				     struct consort_value *out)
{
	int64_t time = value->as.int64 % MICROSECONDS_PER_DAY;

	if (time < 0)
		time += MICROSECONDS_PER_DAY;
	if (type.id == CONSORT_TYPE_TIME)
		*out = consort_time(time);
	else /* rounded down; the smallest timestamp lies 106,751,992 days before 1970 */
		*out = consort_date((int32_t)(value->as.int64 / MICROSECONDS_PER_DAY -
					      (value->as.int64 % MICROSECONDS_PER_DAY < 0)));
	return CONSORT_OK;
}

/* A pair of types as one number, for the switch. */
#define FROM_TO(from, to) ((unsigned)(from) << 8 | (unsigned)(to))

static enum consort_status cast(struct consort_eval *eval, const struct consort_value *value,
				struct consort_type type, struct consort_value *out,
				struct consort_error *error)
{
	const uint16_t from = value->type.id;

	switch (FROM_TO(from, type.id)) {
	case FROM_TO(CONSORT_TYPE_FLOAT64, CONSORT_TYPE_INT64):
		return float64_to_int64(value, out, error);
	case FROM_TO(CONSORT_TYPE_DECIMAL, CONSORT_TYPE_INT64):
		return decimal_to_int64(value, out, error);
	case FROM_TO(CONSORT_TYPE_FLOAT64, CONSORT_TYPE_DECIMAL):
	case FROM_TO(CONSORT_TYPE_DECIMAL, CONSORT_TYPE_FLOAT64):
		return convert_by_text(value, type, out, error);
	case FROM_TO(CONSORT_TYPE_BOOL, CONSORT_TYPE_INT64):
		*out = consort_int64(value->as.int64);
		return CONSORT_OK;
	case FROM_TO(CONSORT_TYPE_INT64, CONSORT_TYPE_BOOL):
		if (value->as.int64 != 0 && value->as.int64 != 1)
			return no_fit(value, type, error);
		*out = consort_bool(value->as.int64 != 0);
		return CONSORT_OK;
	case FROM_TO(CONSORT_TYPE_TIMESTAMP, CONSORT_TYPE_DATE):
	case FROM_TO(CONSORT_TYPE_TIMESTAMP, CONSORT_TYPE_TIME):
		return cast_time(value, type, out);
	default:
		break;
	}
	if (from == CONSORT_TYPE_TEXT || from == type.id)
		return consort_value_convert(value, type, &eval->scratch, out, error);
	if (type.id == CONSORT_TYPE_JSON || (type.id == CONSORT_TYPE_TEXT && from != CONSORT_TYPE_JSON))
		return print_value(eval, value, type.id, out, error);
	if (from == CONSORT_TYPE_JSON && type.id != CONSORT_TYPE_TEXT)
		return json_to(eval, value->as.view, type, out, error);
	return consort_value_convert(value, type, &eval->scratch, out, error);
}

enum consort_status consort_eval_cast(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_operand *args, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; i < count && !status; i++) {
		const struct consort_value *value = consort_operand_at(args, i);

		if (consort_value_is_null(value))
			out[i] = consort_null();
		else
			status = cast(eval, value, expr->type, &out[i], error);
	}
	return status;
}

/* --- PATH --- */

/* The steps behind the document; each is the same for all rows. */
static enum consort_status read_steps(const struct consort_expr *expr, const struct consort_operand *args,
				      struct consort_json_step *steps, struct consort_error *error)
{
	uint32_t i;

	for (i = 1; i < expr->nargs; i++) {
		const struct consort_value *step = args[i].values;

		if (!args[i].step && step->type.id == CONSORT_TYPE_TEXT) {
			steps[i - 1].key = step->as.view.data ? step->as.view.data : "";
			steps[i - 1].key_size = step->as.view.size;
		} else if (!args[i].step && step->type.id == CONSORT_TYPE_INT64) {
			steps[i - 1].index = step->as.int64;
		} else {
			return consort_error_set(
				error, CONSORT_ETYPE,
				"a step into a document must be a text or an integer that is the same "
				"for every record");
		}
	}
	return CONSORT_OK;
}

/* What was found as JSON, or, for PATH_TEXT, a string as its characters. */
static enum consort_status give_json(struct consort_eval *eval, uint32_t op,
				     const struct consort_json_value *json, struct consort_value *out,
				     struct consort_error *error)
{
	const uint16_t id = op == CONSORT_OP_PATH ? CONSORT_TYPE_JSON : CONSORT_TYPE_TEXT;
	struct consort_view text;

	if (json->kind == CONSORT_JSON_NONE || json->kind == CONSORT_JSON_NULL) {
		*out = consort_null();
		return CONSORT_OK;
	}
	consort_buffer_reset(&eval->text);
	if (json->kind == CONSORT_JSON_BOOL)
		consort_buffer_text(&eval->text, json->boolean ? "true" : "false");
	else if (json->kind == CONSORT_JSON_STRING && op == CONSORT_OP_PATH)
		consort_json_quote(&eval->text, json->text.data, json->text.size);
	else
		consort_buffer_append(&eval->text, json->text.data, (size_t)json->text.size);
	if (!keep_text(eval, &text))
		return consort_error_no_memory(error);
	if (id == CONSORT_TYPE_TEXT && memchr(text.data, '\0', (size_t)text.size))
		return consort_error_set(error, CONSORT_ERANGE,
					 "a string in a document holds a NUL character, which "
					 "no text can have");
	*out = consort_view_of(id, text.data, text.size);
	return CONSORT_OK;
}

enum consort_status consort_eval_path(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_operand *args, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	struct consort_json_step *steps = consort_arena_array(&eval->scratch, expr->nargs, sizeof(*steps));
	struct consort_json_reader *reader = reader_of(eval);
	enum consort_status status;
	uint32_t i;

	if (!steps || !reader)
		return consort_error_no_memory(error);
	status = read_steps(expr, args, steps, error);
	for (i = 0; i < count && !status; i++) {
		const struct consort_value *document = consort_operand_at(args, i);
		struct consort_json_value found;

		if (consort_value_is_null(document)) {
			out[i] = consort_null();
			continue;
		}
		status = consort_json_at(reader, document->as.view, steps, expr->nargs - 1, &found, error);
		if (!status)
			status = give_json(eval, expr->op, &found, &out[i], error);
	}
	return status;
}
