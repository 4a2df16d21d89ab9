/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-helpers.h"

#include <stdarg.h>
#include <stdio.h>

/* All that the helpers return; a case is a process, so it is never cleared. */
static struct consort_arena arena;

void *keep(size_t count, size_t size)
{
	void *memory = consort_arena_array(&arena, count, size);

	if (!memory)
		abort();
	return memory;
}

struct consort_type list_of(uint16_t element)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_LIST);

	type.element = element;
	return type;
}

struct consort_value decimal(const char *text)
{
	struct consort_decimal number;
	uint8_t precision, scale;

	if (consort_decimal_parse(text, strlen(text), &number, &precision, &scale, NULL))
		abort();
	return consort_decimal_of(number, precision, scale);
}

static struct consort_expr *expr_of(uint32_t kind, struct consort_type type)
{
	struct consort_expr *expr = keep(1, sizeof(*expr));

	expr->struct_size = sizeof(*expr);
	expr->kind = kind;
	expr->type = type;
	expr->position = -1;
	return expr;
}

const struct consort_expr *literal(struct consort_value value)
{
	struct consort_expr *expr = expr_of(CONSORT_EXPR_LITERAL, value.type);

	expr->value = value;
	return expr;
}

const struct consort_expr *column(uint32_t index, struct consort_type type)
{
	struct consort_expr *expr = expr_of(CONSORT_EXPR_COLUMN, type);

	expr->index = index;
	return expr;
}

const struct consort_expr *parameter(uint32_t index, struct consort_type type)
{
	struct consort_expr *expr = expr_of(CONSORT_EXPR_PARAMETER, type);

	expr->index = index;
	return expr;
}

const struct consort_expr *call_n(uint32_t op, struct consort_type type,
				  const struct consort_expr *const *args, uint32_t nargs)
{
	struct consort_expr *expr = expr_of(CONSORT_EXPR_CALL, type);
	const struct consort_expr **copy = keep(nargs, sizeof(*copy));

	memcpy(copy, args, nargs * sizeof(*copy));
	expr->op = op;
	expr->args = copy;
	expr->nargs = nargs;
	return expr;
}

const struct consort_field *const *fields(uint32_t count, ...)
{
	struct consort_field *field = keep(count, sizeof(*field));
	const struct consort_field **list = keep(count, sizeof(*list));
	va_list types;
	uint32_t i;

	va_start(types, count);
	for (i = 0; i < count; i++) {
		field[i].struct_size = sizeof(*field);
		field[i].type = va_arg(types, struct consort_type);
		field[i].name = consort_arena_printf(&arena, "c%u", i);
		list[i] = &field[i];
	}
	va_end(types);
	return list;
}

struct consort_batch *batch_of(const struct consort_field *const *of, uint32_t nfields,
			       const struct consort_value *rows, int64_t nrows)
{
	struct consort_batch *batch = consort_batch_for_fields(of, nfields, nrows);
	int64_t i;

	for (i = 0; batch && i < nrows; i++)
		if (consort_batch_append_row(batch, rows + i * nfields))
			abort();
	if (!batch)
		abort();
	return batch;
}

const char *shown(struct consort_value value)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char *kept;

	if (consort_value_is_null(&value))
		return "NULL";
	consort_value_print(&value, &text);
	kept = text.failed ? NULL : consort_arena_copy(&arena, text.data, text.size);
	if (!kept)
		abort();
	consort_buffer_clear(&text);
	return kept;
}

const char *shown_row(const struct consort_batch *batch, int64_t row)
{
	const char *text = "";
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++)
		text = consort_arena_printf(&arena, "%s%s%s", text, i ? "|" : "",
					    shown(consort_batch_value(batch, i, row, &arena)));
	return text;
}
