/* SPDX-License-Identifier: Apache-2.0 */
/* Texts: LIKE and ILIKE, case, length, concatenation. */
#include "exec/eval.h"

/* --- LIKE --- */

static inline bool continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static uint64_t next_character(struct consort_view text, uint64_t at)
{
	do
		at++;
	while (at < text.size && continues(text.data[at]));
	return at;
}

/* To where the text may go on with this byte of a pattern; false: nowhere. */
static bool skip_to(struct consort_view text, char wanted, uint64_t *at)
{
	const char *found;

	if (wanted == '%' || wanted == '_' || wanted == '\\')
		return true;
	found = memchr(text.data + *at, wanted, (size_t)(text.size - *at));
	if (!found)
		return false;
	*at = (uint64_t)(found - text.data);
	return true;
}

/*
 * Matches %, and _ over characters; \ makes the next byte stand for itself. A % is given as few characters as
 * possible; when what follows fails, only the last % takes one more, since what an earlier one could take,
 * the last can too. So the work is bounded by text times pattern.
 */
static bool matches(struct consort_view text, struct consort_view pattern)
{
	const uint64_t none = UINT64_MAX;
	uint64_t t = 0, p = 0, star = none, star_text = 0;

	while (t < text.size) {
		char wanted = p < pattern.size ? pattern.data[p] : '\0';

		if (p < pattern.size && wanted == '%') {
			star = ++p;
			if (p == pattern.size)
				return true;
			if (!skip_to(text, pattern.data[p], &t))
				return false;
			star_text = t;
			continue;
		}
		if (p < pattern.size && wanted == '_') {
			t = next_character(text, t);
			p++;
			continue;
		}
		if (p < pattern.size && wanted == '\\') {
			if (text.data[t] == pattern.data[p + 1]) {
				t++;
				p += 2;
				continue;
			}
		} else if (p < pattern.size && text.data[t] == wanted) {
			t++;
			p++;
			continue;
		}
		if (star == none)
			return false;
		t = next_character(text, star_text);
		p = star;
		if (!skip_to(text, pattern.data[p], &t))
			return false;
		star_text = t;
	}
	while (p < pattern.size && pattern.data[p] == '%')
		p++;
	return p == pattern.size;
}

/* Every backslash needs something behind it. */
static bool is_whole(struct consort_view pattern)
{
	uint64_t i;

	for (i = 0; i < pattern.size; i++)
		if (pattern.data[i] == '\\' && ++i == pattern.size)
			return false;
	return true;
}

enum consort_status consort_eval_like(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_operand *args, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	const bool fold = expr->op == CONSORT_OP_ILIKE;
	struct consort_view text, pattern = {NULL, 0};
	bool ready = false;
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct consort_value *a = consort_operand_at(&args[0], i);
		const struct consort_value *b = consort_operand_at(&args[1], i);

		if (consort_value_is_null(a) || consort_value_is_null(b)) {
			out[i] = consort_null();
			continue;
		}
		text = a->as.view;
		if (!ready || args[1].step) {
			ready = true;
			pattern = b->as.view;
			if (!is_whole(pattern))
				return consort_error_set(error, CONSORT_ESYNTAX,
							 "a LIKE pattern must not end with a backslash");
			if (fold && !consort_text_map(CONSORT_MAP_FOLD, pattern, &eval->scratch, &pattern))
				return consort_error_no_memory(error);
		}
		if (fold && !consort_text_map(CONSORT_MAP_FOLD, text, &eval->scratch, &text))
			return consort_error_no_memory(error);
		out[i] = consort_bool(matches(text, pattern));
	}
	return CONSORT_OK;
}

/* --- others --- */

enum consort_status consort_eval_case(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_operand *args, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	enum consort_mapping mapping = expr->op == CONSORT_OP_UPPER ? CONSORT_MAP_UPPER : CONSORT_MAP_LOWER;
	uint32_t i;

	for (i = 0; i < count; i++) {
		out[i] = *consort_operand_at(args, i);
		if (!consort_value_is_null(&out[i]) &&
		    !consort_text_map(mapping, out[i].as.view, &eval->scratch, &out[i].as.view))
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

static int64_t count_characters(struct consort_view text)
{
	int64_t count = 0;
	uint64_t i;

	for (i = 0; i < text.size; i++)
		count += !continues(text.data[i]);
	return count;
}

enum consort_status consort_eval_length(struct consort_eval *eval, const struct consort_expr *expr,
					const struct consort_operand *args, uint32_t count,
					struct consort_value *out, struct consort_error *error)
{
	uint32_t i;

	(void)eval, (void)expr, (void)error;
	for (i = 0; i < count; i++) {
		const struct consort_value *value = consort_operand_at(args, i);

		if (consort_value_is_null(value))
			out[i] = consort_null();
		else if (value->type.id == CONSORT_TYPE_BYTES)
			out[i] = consort_int64((int64_t)value->as.view.size);
		else
			out[i] = consort_int64(count_characters(value->as.view));
	}
	return CONSORT_OK;
}

/* The size of all arguments of row i together; false if one is NULL. */
static bool concat_size(const struct consort_expr *expr, const struct consort_operand *args, uint32_t i,
			uint64_t *out_size)
{
	uint32_t a;

	*out_size = 0;
	for (a = 0; a < expr->nargs; a++) {
		const struct consort_value *value = consort_operand_at(&args[a], i);

		if (consort_value_is_null(value))
			return false;
		*out_size += value->as.view.size;
	}
	return true;
}

enum consort_status consort_eval_concat(struct consort_eval *eval, const struct consort_expr *expr,
					const struct consort_operand *args, uint32_t count,
					struct consort_value *out, struct consort_error *error)
{
	uint32_t i, a;

	for (i = 0; i < count; i++) {
		uint64_t size, at = 0;
		char *text;

		if (!concat_size(expr, args, i, &size)) {
			out[i] = consort_null();
			continue;
		}
		text = consort_arena_alloc(&eval->scratch, (size_t)size);
		if (!text)
			return consort_error_no_memory(error);
		for (a = 0; a < expr->nargs; a++) {
			struct consort_view part = consort_operand_at(&args[a], i)->as.view;

			if (part.size)
				memcpy(text + at, part.data, (size_t)part.size);
			at += part.size;
		}
		out[i] = consort_view_of(expr->type.id, text, size);
	}
	return CONSORT_OK;
}
