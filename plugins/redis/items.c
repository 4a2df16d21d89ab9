/* SPDX-License-Identifier: Apache-2.0 */
/* What items have, and what they are found by. */
#include "items.h"

/* --- what items have --- */

const char *redis_record_noun(enum redis_record record)
{
	static const char *const nouns[] = {
		[REDIS_HASH] = "hash", [REDIS_JSON] = "string",		  [REDIS_LIST] = "list",
		[REDIS_SET] = "set",   [REDIS_SORTED_SET] = "sorted set", [REDIS_STREAM] = "stream",
	};

	return nouns[record];
}

enum redis_role redis_role_of(enum redis_record record, const struct consort_attribute *attribute)
{
	if (record == REDIS_STREAM && strcmp(attribute->source, "id") != 0)
		return REDIS_FIELD;
	if (record == REDIS_STREAM)
		return attribute->type.id == CONSORT_TYPE_TIMESTAMP ? REDIS_ID_TIME : REDIS_ID;
	if (record == REDIS_LIST)
		return strcmp(attribute->source, "position") != 0 ? REDIS_VALUE : REDIS_POSITION;
	return strcmp(attribute->source, "score") != 0 ? REDIS_MEMBER : REDIS_SCORE;
}

/* Does an item have that? */
static bool is_known(enum redis_record record, const struct consort_attribute *attribute)
{
	const char *source = attribute->source;

	switch (redis_role_of(record, attribute)) {
	case REDIS_POSITION:
		return attribute->type.id == CONSORT_TYPE_INT64;
	case REDIS_VALUE:
		return !strcmp(source, "value");
	case REDIS_MEMBER:
		return !strcmp(source, "member");
	case REDIS_SCORE:
		return record == REDIS_SORTED_SET;
	case REDIS_ID:
		return attribute->type.id == CONSORT_TYPE_TEXT;
	default:
		return true;
	}
}

uint32_t redis_items_check(const struct redis_layout *layout, struct consort_error *error)
{
	static const char *const have[] = {
		[REDIS_LIST] = "an item of a list has a position (an int64), and a value",
		[REDIS_SET] = "an item of a set has a member, and nothing else",
		[REDIS_SORTED_SET] = "an item of a sorted set has a member and a score",
		[REDIS_STREAM] = "the id of a stream's entry is a text, or a timestamp"};
	uint32_t i;

	if (layout->resource->nindexes)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "resource '%s': a %s has no indexes",
					 layout->resource->name, redis_record_noun(layout->record));
	for (i = 0; i < layout->nattributes; i++) {
		const struct consort_attribute *attribute = layout->resource->attributes[i];
		struct redis_attribute *own = &layout->attributes[i];

		if (!is_known(layout->record, attribute) || own->codec == REDIS_CODEC_EXPIRES) {
			consort_error_set(error, CONSORT_EVALUE,
					  "%s: say from what it is, like text from value",
					  have[layout->record]);
			return redis_blame(layout, i, error);
		}
		if (redis_role_of(layout->record, attribute) == REDIS_ID_TIME)
			own->codec = REDIS_CODEC_MS;
	}
	return CONSORT_OK;
}

uint32_t redis_items_refuse(const struct redis_layout *layout, struct consort_error *error)
{
	if (!redis_is_item(layout->record))
		return CONSORT_OK;
	consort_error_set(error, CONSORT_EUNSUPPORTED,
			  "resource '%s' is a %s, which is only read: a native command writes it",
			  layout->resource->name, redis_record_noun(layout->record));
	consort_copy_text(error->resource, sizeof(error->resource), layout->resource->name);
	return error->status;
}

/* --- conditions --- */

/* Is every text of the type written in one way only? */
static bool is_plain(const struct consort_attribute *attribute)
{
	return attribute->type.id == CONSORT_TYPE_TEXT ||
	       (attribute->type.id == CONSORT_TYPE_BYTES &&
		(!*attribute->codec || !strcmp(attribute->codec, "raw")));
}

bool redis_items_serve(const struct consort_node *scan, const struct redis_condition *condition)
{
	const struct consort_attribute *attribute = scan->resource->attributes[condition->attribute];
	bool one = condition->op == CONSORT_OP_EQ || condition->op == CONSORT_OP_IN;
	bool ranges = condition->op != CONSORT_OP_LIKE && condition->op != CONSORT_OP_IN;

	switch (redis_role_of(redis_record_of(scan->resource), attribute)) {
	case REDIS_POSITION:
		return condition->op != CONSORT_OP_LIKE;
	case REDIS_MEMBER:
		return one && is_plain(attribute);
	case REDIS_SCORE:
		return ranges && (attribute->type.id == CONSORT_TYPE_FLOAT64 ||
				  attribute->type.id == CONSORT_TYPE_INT64);
	case REDIS_ID:
		return one;
	case REDIS_ID_TIME:
		return ranges;
	default:
		return false;
	}
}

const struct redis_condition *redis_items_condition(const struct redis_compiled *compiled, bool *out_one)
{
	uint32_t i;

	*out_one = false;
	for (i = 0; i < compiled->nconditions; i++) {
		const struct redis_condition *condition = &compiled->conditions[i];
		enum redis_role role =
			redis_role_of(compiled->layout->record,
				      compiled->layout->resource->attributes[condition->attribute]);

		*out_one = (condition->op == CONSORT_OP_EQ || condition->op == CONSORT_OP_IN) &&
			   role != REDIS_SCORE && role != REDIS_ID_TIME;
		if (*out_one)
			return condition;
	}
	return compiled->nconditions ? compiled->conditions : NULL;
}

void redis_items_explain(const struct redis_compiled *compiled, int64_t page, struct consort_buffer *out)
{
	const char *key = compiled->layout->head;
	const struct redis_condition *condition;
	bool one;

	condition = redis_items_condition(compiled, &one);
	switch (compiled->layout->record) {
	case REDIS_LIST:
		consort_buffer_printf(out, one ? "LINDEX %s <position>" : "LRANGE %s <first> <last>", key);
		break;
	case REDIS_SET:
		if (one)
			consort_buffer_printf(out, "SISMEMBER %s <member>", key);
		else
			consort_buffer_printf(out, "SSCAN %s COUNT %lld", key, (long long)page);
		break;
	case REDIS_SORTED_SET:
		if (one)
			consort_buffer_printf(out, "ZSCORE %s <member>", key);
		else if (condition)
			consort_buffer_printf(out, "ZRANGEBYSCORE %s <min> <max> WITHSCORES", key);
		else
			consort_buffer_printf(out, "ZSCAN %s COUNT %lld", key, (long long)page);
		break;
	default:
		consort_buffer_printf(out, "XRANGE %s %s COUNT %lld", key,
				      one	  ? "<id> <id>"
				      : condition ? "<min> <max>"
						  : "- +",
				      (long long)page);
	}
}
