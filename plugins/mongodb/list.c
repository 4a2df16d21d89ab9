/* SPDX-License-Identifier: Apache-2.0 */
/* IN, as $in, and LIKE, as a regular expression. */
#include <string.h>

#include "match.h"

#define EXACT CONSORT_FIDELITY_EXACT
#define NO CONSORT_FIDELITY_NO

static uint32_t nothing(bson_t *out)
{
	mongo_match_nothing(out);
	return EXACT;
}

/* --- IN and LIKE --- */

/* The list's values that something can be equal to; *out_null: NULL is among them. */
static bool append_list(const struct mongo_matching *matching, const struct mongo_term *term,
			const struct consort_expr *expr, bson_t *list, uint32_t *count, bool *out_null)
{
	uint32_t i;

	for (i = 1; i < expr->nargs; i++) {
		const struct consort_value *value = mongo_known(matching, expr->args[i]);
		const char *key;
		char digits[16];
		size_t size = bson_uint32_to_string(*count, &key, digits, sizeof(digits));
		bool none = false;

		if (value && consort_value_is_null(value)) {
			*out_null = true;
			continue;
		}
		if (!mongo_append_constant(matching, term, expr->args[i], MONGO_EQUAL, list, key, size,
					   &none))
			return false;
		*count += !none;
	}
	return true;
}

uint32_t mongo_match_in(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			bson_t *out)
{
	struct mongo_term *term = mongo_comparable(matching, expr->args[0], false);
	bool null = false, done;
	uint32_t count = 0, i;
	bson_t test, list;
	const char *key;
	char digits[16];

	for (i = 1; term && i < expr->nargs; i++)
		if (!mongo_is_constant(expr->args[i]) || !mongo_go_together(term, expr->args[i]->type))
			return mongo_refuse_match(matching,
						  "MongoDB is given lists of constants of the field's type");
	if (!term)
		return NO;
	for (i = 1; i < expr->nargs && !sense; i++) {
		const struct consort_value *value = mongo_known(matching, expr->args[i]);

		if (value && consort_value_is_null(value))
			return nothing(out);
	}
	bson_append_document_begin(out, term->path, -1, &test);
	bson_append_array_begin(&test, sense ? "$in" : "$nin", -1, &list);
	done = append_list(matching, term, expr, &list, &count, &null);
	if (!sense) {
		size_t size = bson_uint32_to_string(count, &key, digits, sizeof(digits));

		bson_append_null(&list, key, (int)size);
	}
	bson_append_array_end(&test, &list);
	bson_append_document_end(out, &test);
	return done ? mongo_path_fidelity(matching, term) : NO;
}

/* A pattern as a regular expression; false: it ends in a backslash. */
static bool to_regex(struct consort_view pattern, struct consort_buffer *out)
{
	uint64_t i;

	consort_buffer_text(out, "\\A");
	for (i = 0; i < pattern.size; i++) {
		char character = pattern.data[i];

		if (character == '%') {
			consort_buffer_text(out, ".*");
			continue;
		}
		if (character == '_') {
			consort_buffer_char(out, '.');
			continue;
		}
		if (character == '\\' && ++i == pattern.size)
			return false;
		character = pattern.data[i];
		if (strchr("\\^$.|?*+()[]{}-#", character) && character)
			consort_buffer_char(out, '\\');
		consort_buffer_char(out, character);
	}
	consort_buffer_text(out, "\\z");
	return true;
}

bool mongo_append_regex(const struct mongo_matching *matching, const struct consort_expr *pattern,
			bson_t *out, const char *key)
{
	const struct consort_value *value = mongo_known(matching, pattern);
	struct mongo_render *render = matching->render;
	struct consort_buffer regex = CONSORT_BUFFER_INIT;
	bool right;

	if (!value) {
		mongo_append_placeholder(out, key, pattern);
		return true;
	}
	right = to_regex(value->as.view, &regex);
	if (right && !regex.failed)
		bson_append_regex(out, key, -1, regex.data, "s");
	else if (regex.failed)
		render->status = consort_error_no_memory(render->error);
	else if (render->run)
		render->status =
			consort_error_set(render->error, CONSORT_ESYNTAX,
					  "the pattern ends in a backslash, which takes a character");
	else
		mongo_refuse_match(matching, "the pattern is wrong, which the core tells");
	consort_buffer_clear(&regex);
	return right && !render->status;
}

uint32_t mongo_match_like(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			  bson_t *out)
{
	struct mongo_term *term = mongo_comparable(matching, expr->args[0], false);
	const struct consort_value *value;
	bson_t test;
	bool done;

	if (!term)
		return NO;
	if (term->storage.codec != MONGO_TEXT || !mongo_is_constant(expr->args[1]))
		return mongo_refuse_match(matching,
					  "MongoDB is given patterns that are constants, for texts");
	value = mongo_known(matching, expr->args[1]);
	if (value && consort_value_is_null(value))
		return nothing(out);
	if (sense) {
		done = mongo_append_regex(matching, expr->args[1], out, term->path);
	} else {
		bson_append_document_begin(out, term->path, -1, &test);
		done = mongo_append_regex(matching, expr->args[1], &test, "$not");
		BSON_APPEND_NULL(&test, "$ne");
		bson_append_document_end(out, &test);
	}
	return done ? mongo_path_fidelity(matching, term) : NO;
}
