/* SPDX-License-Identifier: Apache-2.0 */
/* What several adapters would write in the same way: looks at calls, options, attributes and plans. */
#include <consort/adapter.h>
#include <consort/convert.h>

#include <time.h>

/* The coarse clock of deadlines, as host->clock_coarse gives it. */
static int64_t now(void)
{
	struct timespec time = {0, 0};

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

uint32_t consort_call_check(const struct consort_call *call, struct consort_error *error)
{
	if (CONSORT_UNLIKELY(call->flags))
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown call flags %#x",
					 (unsigned)call->flags);
	if (CONSORT_UNLIKELY(consort_call_cancelled(call)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	if (CONSORT_UNLIKELY(call->deadline && now() >= call->deadline))
		return consort_error_set(error, CONSORT_ETIMEOUT, "the deadline passed");
	return CONSORT_OK;
}

static uint32_t check_flags(const struct consort_write *write, struct consort_error *error)
{
	if (CONSORT_LIKELY(!(write->flags & ~CONSORT_WRITE_CONTINUE)))
		return CONSORT_OK;
	return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of a write", (unsigned)write->flags);
}

uint32_t consort_call_check_write(const struct consort_call *call, const struct consort_write *write,
				  struct consort_error *error)
{
	uint32_t status = check_flags(write, error);

	return status ? status : consort_call_check(call, error);
}

uint32_t consort_write_check_rows(const struct consort_write *write, const struct consort_batch *rows,
				  struct consort_error *error)
{
	if (CONSORT_UNLIKELY(rows->ncolumns != write->nattributes))
		return consort_error_set(error, CONSORT_EINVAL, "the batch has %u columns, the write %u",
					 rows->ncolumns, write->nattributes);
	return check_flags(write, error);
}

const struct consort_value *consort_setting_find(const struct consort_setting *settings, uint32_t count,
						 const char *name)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i].value;
	return NULL;
}

int consort_resource_is_key(const struct consort_resource *resource, uint32_t attribute)
{
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++)
		if (resource->keys[i] == attribute)
			return 1;
	return 0;
}

int consort_write_is_key(const struct consort_write *write, uint32_t column)
{
	return consort_resource_is_key(write->resource, write->attributes[column]);
}

const char *consort_resource_name_of(const struct consort_resource *resource, const char *column)
{
	uint32_t i;

	for (i = 0; resource && i < resource->nattributes; i++)
		if (!strcmp(resource->attributes[i]->source, column))
			return resource->attributes[i]->name;
	return column;
}

uint32_t consort_codec_find(const struct consort_codec_name *names, size_t count, const char *engine,
			    const struct consort_resource *resource, const struct consort_attribute *attribute,
			    uint8_t *out_codec, struct consort_error *error)
{
	struct consort_buffer known = CONSORT_BUFFER_INIT, type = CONSORT_BUFFER_INIT;
	size_t i;

	for (i = 0; i < count; i++) {
		if (names[i].type != attribute->type.id)
			continue;
		if (!strcmp(names[i].name, attribute->codec)) {
			*out_codec = (uint8_t)names[i].codec;
			consort_buffer_clear(&known);
			return CONSORT_OK;
		}
		consort_buffer_printf(&known, "%s%s", known.size ? ", " : "", names[i].name);
	}
	consort_type_print(attribute->type, &type);
	consort_error_set(error, CONSORT_EVALUE, "resource '%s', attribute '%s': %s has no codec '%s' for %s; %s%s",
			  resource->name, attribute->name, engine, attribute->codec,
			  type.data ? type.data : "this type", known.size ? "there are " : "it needs none",
			  known.size ? known.data : "");
	consort_buffer_clear(&known);
	consort_buffer_clear(&type);
	return CONSORT_EVALUE;
}

uint32_t consort_attribute_find(const struct consort_resource *own, const struct consort_resource *resource,
				uint32_t attribute, uint32_t *out_column, struct consort_error *error)
{
	const struct consort_attribute *wanted = resource->attributes[attribute];
	uint32_t status = CONSORT_ETYPE, i;

	for (i = 0; i < own->nattributes; i++)
		if (!strcmp(own->attributes[i]->source, wanted->source))
			break;
	if (i < own->nattributes && consort_type_equal(own->attributes[i]->type, wanted->type)) {
		*out_column = i;
		return CONSORT_OK;
	}
	if (i == own->nattributes)
		status = consort_error_set(error, CONSORT_ENAME, "'%s' has no '%s'", own->source,
					   wanted->source);
	else
		consort_error_set(error, status, "'%s' of '%s' is %s, not %s as it is declared",
				  wanted->source, own->source, consort_type_noun(own->attributes[i]->type),
				  consort_type_noun(wanted->type));
	if (error) {
		consort_copy_text(error->resource, sizeof(error->resource), resource->name);
		consort_copy_text(error->attribute, sizeof(error->attribute), wanted->name);
	}
	return status;
}

void consort_offer_scan(const struct consort_node *tree, struct consort_offer *answer, const char *reason)
{
	uint32_t i;

	if (tree->kind == CONSORT_NODE_SCAN)
		answer->fidelity[tree->number] = CONSORT_FIDELITY_EXACT;
	else
		answer->reason[tree->number] = reason;
	if (tree->kind == CONSORT_NODE_FILTER || tree->kind == CONSORT_NODE_JOIN)
		for (i = 0; i < tree->nexprs; i++)
			answer->reason[tree->first_conjunct + i] = reason;
	for (i = 0; i < tree->ninputs; i++)
		consort_offer_scan(tree->inputs[i], answer, reason);
}

int consort_condition_equals(const struct consort_node *filter, uint32_t conjunct, const char *source,
			     struct consort_type type)
{
	const struct consort_node *scan = filter->inputs[0];
	const struct consort_expr *expr = filter->exprs[conjunct], *column, *constant;

	if (scan->kind != CONSORT_NODE_SCAN || expr->kind != CONSORT_EXPR_CALL || expr->op != CONSORT_OP_EQ)
		return 0;
	column = expr->args[0];
	constant = expr->args[1];
	return column->kind == CONSORT_EXPR_COLUMN && consort_type_equal(column->type, type) &&
	       (constant->kind == CONSORT_EXPR_LITERAL || constant->kind == CONSORT_EXPR_PARAMETER) &&
	       consort_type_equal(constant->type, type) &&
	       !strcmp(scan->resource->attributes[scan->attributes[column->index]]->source, source);
}

const struct consort_value *consort_run_value(const struct consort_run *run,
					      const struct consort_expr *constant)
{
	if (constant->kind == CONSORT_EXPR_PARAMETER)
		return &run->parameters[constant->index];
	return constant->kind == CONSORT_EXPR_LITERAL ? &constant->value : NULL;
}

uint32_t consort_column_cell(const struct consort_column *column, int64_t row, struct consort_arena *memory,
			 struct consort_value *out, struct consort_error *error)
{
	const int32_t *offsets = (const int32_t *)column->values + column->offset + row;
	struct consort_value *items;
	int32_t i;

	if (column->type.id != CONSORT_TYPE_LIST || consort_column_is_null(column, row)) {
		*out = consort_column_value(column, row);
		return CONSORT_OK;
	}
	items = consort_arena_array(memory, (size_t)(offsets[1] - offsets[0]), sizeof(*items));
	if (!items)
		return consort_error_no_memory(error);
	for (i = offsets[0]; i < offsets[1]; i++)
		items[i - offsets[0]] = consort_column_value(column->child, i);
	*out = consort_null();
	out->type = column->type;
	out->as.list.items = items;
	out->as.list.count = (uint64_t)(offsets[1] - offsets[0]);
	return CONSORT_OK;
}
