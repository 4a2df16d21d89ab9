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

uint32_t consort_call_check_write(const struct consort_call *call, const struct consort_write *write,
				  struct consort_error *error)
{
	if (CONSORT_UNLIKELY(write->flags & ~CONSORT_WRITE_CONTINUE))
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of a write",
					 (unsigned)write->flags);
	return consort_call_check(call, error);
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
